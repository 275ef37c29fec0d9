/* Says the words of its command line with the model in the box, and which letter each sound came from. It sees nothing but heed.h:
 *
 *   cc pronounce.c $(pkg-config --cflags --libs heed) -o pronounce && ./pronounce models/g2p-en attention
 */
#include <heed.h>

#include <stdio.h>

static void print(const heed_output *o)
{
    printf("%s\t%s\t", o->source, o->status ? o->error : o->text);
    for (int64_t i = 0; o->shown && i < o->count && o->tokens[i].start < o->tokens[i].end; i++) {
        int64_t best = 0;                                     /* the letter that this sound looked at most */
        for (int64_t j = 1; j + 1 < o->source_count; j++)
            if (o->shown[i * o->source_count + j] > o->shown[i * o->source_count + best]) best = j;
        printf("%s%s:%s", i ? " " : "", o->source_tokens[best].text, o->tokens[i].text);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    heed_error err = {0};
    heed_item items[64] = {0};
    int64_t words = argc > 66 ? 64 : argc - 2;
    if (argc < 3) return fputs("usage: pronounce MODEL WORD...\n", stderr), 2;
    for (int64_t i = 0; i < words; i++) items[i].text = argv[i + 2];
    heed_request request = {.items = items, .count = words, .shown = true};

    heed_model *model = heed_model_open(argv[1], NULL, &err);
    heed_session *session = model ? heed_session_new(model, NULL, &err) : NULL;
    heed_reply *reply = session ? heed_session_run(session, &request, &err) : NULL;
    for (int64_t i = 0; reply && i < words; i++) print(heed_reply_at(reply, i));
    if (!reply) fprintf(stderr, "pronounce: %s\n", err.text);

    heed_reply_free(reply);
    heed_session_free(session);
    heed_model_close(model);
    return reply ? 0 : 1;
}

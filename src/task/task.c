#include "task/task.h"

#include <string.h>

#define HEED_TASK(name, help) extern const heed_task heed_task_##name;
#include "task/tasks.def"
#undef HEED_TASK

const heed_task *heed_task_at(int i)
{
    static const heed_task *const table[] = {
#define HEED_TASK(name, help) &heed_task_##name,
#include "task/tasks.def"
#undef HEED_TASK
    };
    return i >= 0 && i < (int)(sizeof table / sizeof table[0]) ? table[i] : NULL;
}

const heed_task *heed_task_find(const char *name)
{
    for (int i = 0; heed_task_at(i); i++)
        if (strcmp(heed_task_at(i)->name, name) == 0) return heed_task_at(i);
    return NULL;
}

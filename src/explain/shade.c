#include "explain/shade.h"

#include <math.h>

static void mix(const int stops[5][3], double weight, int rgb[3])
{
    double place = fmin(fmax(weight, 0), 1) * 4;
    int below = place >= 4 ? 3 : (int)place;
    for (int i = 0; i < 3; i++)
        rgb[i] = (int)lround(stops[below][i] + (place - below) * (stops[below + 1][i] - stops[below][i]));
}

void heed_shade_dark(double weight, int rgb[3])
{
    static const int stops[5][3] = {{24, 26, 40}, {52, 64, 126}, {36, 130, 146}, {112, 196, 104}, {250, 230, 70}};
    mix(stops, weight, rgb);
}

void heed_shade_paper(double weight, int rgb[3])
{
    static const int stops[5][3] = {{255, 255, 255}, {198, 219, 239}, {107, 174, 214}, {33, 113, 181}, {8, 48, 107}};
    mix(stops, weight, rgb);
}

void heed_shade_signed(double score, int rgb[3])
{
    static const int stops[5][3] = {{255, 255, 255}, {253, 208, 162}, {241, 137, 60}, {196, 76, 8}, {110, 40, 4}};
    if (score < 0) mix(stops, -score, rgb);
    else heed_shade_paper(score, rgb);
}

const char *heed_shade_block(double weight)
{
    return weight < 0.05 ? "·" : weight < 0.25 ? "░" : weight < 0.5 ? "▒" : weight < 0.75 ? "▓" : "█";
}

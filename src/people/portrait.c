// SPDX-License-Identifier: Apache-2.0
#include "people/portrait.h"

#include "people/seeded.h"

static const char *const skins[] = {"#f6d3b8", "#eebf9c", "#d99f76",
                                    "#b97a50", "#8f5a38", "#6a4028"};
static const char *const hairs[] = {"#2b2220", "#4a3020", "#7a4b24", "#a8752f",
                                    "#d8b25c", "#8d8d8d", "#c95b2e"};
static const char *const shirts[] = {"#2f6f9f", "#3d8a5f", "#a8443f",
                                     "#6c4f8f", "#c58a2a", "#39424e"};
static const char *const grounds[] = {"#dfe9f0", "#e9efdf", "#f3e6dc", "#ece4f0", "#e2eeec"};
#define PICK(seeded, list) ((list)[seeded_below((seeded), sizeof(list) / sizeof(list)[0])])

void portrait_write(struct str *out, bool woman, uint32_t number, uint32_t size_px)
{
    struct seeded seeded = seeded_for(woman ? 1 : 2, number);
    const char *skin = PICK(&seeded, skins), *hair = PICK(&seeded, hairs);
    const char *shirt = PICK(&seeded, shirts), *ground = PICK(&seeded, grounds);
    uint32_t eyes = 8 + seeded_below(&seeded, 4), smile = 4 + seeded_below(&seeded, 6);
    str_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 "
               "128 128\">"
               "<rect width=\"128\" height=\"128\" fill=\"%s\"/>",
               size_px, size_px, ground);
    if (woman)
        str_printf(out, "<path d=\"M30 104V56a34 34 0 0 1 68 0v48z\" fill=\"%s\"/>", hair);
    str_printf(out,
               "<path d=\"M14 128c2-24 20-34 50-34s48 10 50 34z\" fill=\"%s\"/>"
               "<rect x=\"54\" y=\"80\" width=\"20\" height=\"22\" rx=\"9\" fill=\"%s\"/>"
               "<ellipse cx=\"64\" cy=\"60\" rx=\"25\" ry=\"31\" fill=\"%s\"/>",
               shirt, skin, skin);
    str_printf(out,
               "<path d=\"M38 56c-2-24 10-34 26-34s28 10 26 34c-4-12-10-18-26-18s-22 6-26 18z\" "
               "fill=\"%s\"/>",
               hair);
    if (!woman && seeded_below(&seeded, 3) == 0)
        str_printf(out,
                   "<path d=\"M40 66c0 20 10 26 24 26s24-6 24-26c-4 10-12 8-24 8s-20 2-24-8z\" "
                   "fill=\"%s\"/>",
                   hair);
    str_printf(out,
               "<circle cx=\"%u\" cy=\"60\" r=\"2.6\" fill=\"#222\"/><circle cx=\"%u\" cy=\"60\" "
               "r=\"2.6\" fill=\"#222\"/>"
               "<path d=\"M55 76q9 %u 18 0\" fill=\"none\" stroke=\"#7a2f2a\" stroke-width=\"2.4\" "
               "stroke-linecap=\"round\"/></svg>",
               64 - eyes, 64 + eyes, smile);
}

// SPDX-License-Identifier: Apache-2.0
//
// The vectors of arithmetic were computed with Python's decimal at 200 digits by Spark's type
// rules.
#include "data/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    enum decimal_op op;
    const char *a;
    int p1, s1;
    const char *b;
    int p2, s2, precision, scale;
    const char *result;
} vectors[] = {
    {DECIMAL_ADD, "-832973300086308911", 18, 4, "-6358510600851140976375771", 25, 20, 35, 20,
     "-8329733007221599710851140976375771"},
    {DECIMAL_SUB, "-913540885775223347", 18, 18, "-77", 2, 2, 19, 18, "-143540885775223347"},
    {DECIMAL_MUL, "20845492107641157594", 20, 13, "-84", 2, 0, 23, 13, "-1751021337041857237896"},
    {DECIMAL_DIV, "99249421930134134061424214152593608106", 38, 3, "-148135157", 9, 9, 38, 6,
     "null"},
    {DECIMAL_MOD, "759", 3, 1, "-65", 2, 2, 2, 2, "50"},
    {DECIMAL_ADD, "316437348227457473", 18, 13, "-337540323", 9, 8, 19, 13, "316403594195157473"},
    {DECIMAL_SUB, "-36070802826382954616423427668956692590", 38, 26, "-200282366", 9, 1, 38, 25,
     "-3606880000272295461642342766895669259"},
    {DECIMAL_MUL, "268", 3, 0, "80935023174378532854964880320172242400", 38, 1, 38, 1, "null"},
    {DECIMAL_DIV, "593496600653244296", 20, 10, "9153891249196565320769622", 25, 18, 38, 10,
     "64835443692"},
    {DECIMAL_MOD, "180436744944324369", 18, 14, "-619623289150105367", 18, 2, 18, 14,
     "180436744944324369"},
    {DECIMAL_ADD, "-821019364056878639", 18, 4, "9214176484853013536918140", 25, 13, 28, 13,
     "-811805187572025625463081860"},
    {DECIMAL_SUB, "-8144424901825497169910085595891752705", 38, 25, "1009762953574024210917798", 25,
     2, 38, 14, "-1009762953655468459936052971699100856"},
    {DECIMAL_MUL, "-42816100913787595890332661049745057738", 38, 12, "-729995473858774727", 18, 0,
     38, 6, "null"},
    {DECIMAL_DIV, "-31039367489793527600", 20, 1, "-145521239", 9, 4, 34, 11,
     "21329785056182436434588081"},
    {DECIMAL_MOD, "54982981415854797315", 20, 15, "-28", 2, 0, 17, 15, "18981415854797315"},
    {DECIMAL_ADD, "516975390", 9, 6, "-21479328500879118610045533128883538426", 38, 8, 38, 7,
     "-2147932850087911861004553307718599943"},
    {DECIMAL_SUB, "-501876420", 9, 1, "414153797", 9, 2, 11, 2, "-5432917997"},
    {DECIMAL_MUL, "-608421656", 9, 0, "-9841647948167275106575162", 25, 18, 35, 18,
     "5987871742392935685350036552508272"},
    {DECIMAL_DIV, "309562236", 9, 6, "-57297452299108607583406775147746837230", 38, 11, 38, 24,
     "-1"},
    {DECIMAL_MOD, "35456075342060828558612506340342458788", 38, 27,
     "63853724910169633450390857961313630725", 38, 30, 38, 30,
     "17258016916681993645580171813393735625"},
    {DECIMAL_ADD, "49937554634438031120674589554262258046", 38, 12, "-58", 2, 0, 38, 11,
     "4993755463443803112067453155426225805"},
    {DECIMAL_SUB, "-790", 3, 2, "82601878535984601277873869014193621449", 38, 1, 38, 2, "null"},
    {DECIMAL_MUL, "-855", 3, 2, "28024218204962823414554036810020044600", 38, 0, 38, 2, "null"},
    {DECIMAL_DIV, "18232522", 9, 4, "-734012915349285204", 18, 11, 38, 22, "-2483951115672661738"},
    {DECIMAL_MOD, "-61522219370616091201", 20, 14, "3255087803903654377355188", 25, 15, 21, 15,
     "-615222193706160912010"},
    {DECIMAL_ADD, "-30168952458088923974832596765844960657", 38, 8, "-8953831387078471193896692",
     25, 22, 38, 7, "-3016895245808892397483259685538327453"},
    {DECIMAL_SUB, "24781472650519580762669181939722698999", 38, 9, "-57", 2, 2, 38, 8,
     "2478147265051958076266918194029269900"},
    {DECIMAL_MUL, "159140418734007329", 18, 7, "-18540597033546209283844018011232673397", 38, 17,
     38, 6, "-2950558375497037874404994147616446853"},
    {DECIMAL_DIV, "-81745035879608795593", 20, 7, "696757188", 9, 8, 38, 17,
     "-117322127833733658723302614856"},
    {DECIMAL_MOD, "395355596643442213", 18, 15, "-206142232586474487", 18, 6, 18, 15,
     "395355596643442213"},
    {DECIMAL_ADD, "-42775301016529127423", 20, 11, "-546426459108726409", 18, 2, 28, 11,
     "-546426501884027425529127423"},
    {DECIMAL_SUB, "937912392155014094", 18, 6, "8492993737896307735475347", 25, 19, 32, 19,
     "9379115428556403043692264524653"},
    {DECIMAL_MUL, "719755505", 9, 6, "-87258565338365573", 18, 2, 28, 8,
     "-62804832760690808869229365"},
    {DECIMAL_DIV, "-62598325235603892683", 20, 12, "52", 2, 2, 25, 15, "-120381394683853639775000"},
    {DECIMAL_MOD, "50450029195580165779", 20, 20, "177434288", 9, 9, 20, 20,
     "14963171595580165779"},
    {DECIMAL_ADD, "395165731", 9, 0, "-73", 2, 2, 12, 2, "39516573027"},
    {DECIMAL_SUB, "-14305054060436657990264678293216666610", 38, 23, "-543058873", 9, 6, 38, 22,
     "-1430505406038235210296467829321666661"},
    {DECIMAL_MUL, "-401945499351906045", 18, 16, "168988664", 9, 9, 28, 25,
     "-67924232936291468398073880"},
    {DECIMAL_DIV, "45686924530348562161", 20, 4, "70", 2, 2, 25, 7, "65267035043355088801429"},
    {DECIMAL_MOD, "70702290449617765412332094785771760898", 38, 26,
     "78140060740643140038551120361608033150", 38, 13, 38, 26,
     "70702290449617765412332094785771760898"},
    {DECIMAL_ADD, "-51829978188454495138887258081067634873", 38, 0, "-7610951909850314968243874",
     25, 24, 38, 6, "null"},
    {DECIMAL_SUB, "808409201962403026", 18, 16, "90658896894584820714444652940542610988", 38, 17,
     38, 16, "-9065889689458482070636056092091858073"},
    {DECIMAL_MUL, "-913", 3, 1, "658418094", 9, 4, 13, 5, "-601135719822"},
    {DECIMAL_DIV, "557", 3, 3, "50829612472208174033585027216781998522", 38, 0, 38, 38, "1"},
    {DECIMAL_MOD, "597328939880814244", 18, 16, "81467629571088037631658344623547720117", 38, 16,
     18, 16, "597328939880814244"},
    {DECIMAL_ADD, "44622469554569533312", 20, 16, "-705506037", 9, 8, 21, 16,
     "44551918950869533312"},
    {DECIMAL_SUB, "85805680001593642325", 20, 3, "-7171276128563031917821830", 25, 14, 32, 14,
     "8580575171435492795531917821830"},
    {DECIMAL_MUL, "537855736", 9, 4, "65", 2, 0, 12, 4, "34960622840"},
    {DECIMAL_DIV, "59162256827513605097587149071483753763", 38, 11, "-528438733", 9, 4, 38, 7,
     "-111956700243457750281123221661"},
    {DECIMAL_MOD, "-45055947471704499710388856773212169740", 38, 30, "81", 2, 1, 31, 30,
     "-5271704499710388856773212169740"},
    {DECIMAL_ADD, "-4155427824200006025", 20, 16, "3074941878377520831598702", 25, 10, 32, 16,
     "3074941878373365403774501993975"},
    {DECIMAL_SUB, "76073616846057632890627130598627542344", 38, 14, "9817176587855816394649425", 25,
     22, 38, 13, "7607361684605763289052895883274898418"},
    {DECIMAL_MUL, "-827", 3, 0, "-429705068", 9, 1, 13, 1, "355366091236"},
    {DECIMAL_DIV, "-701265217222962589", 18, 1, "760458282", 9, 4, 32, 11,
     "-92216132537690290944849"},
    {DECIMAL_MOD, "64529674111476992876", 20, 8, "795700365007911504147320", 25, 4, 20, 8,
     "64529674111476992876"},
    {DECIMAL_ADD, "-449", 3, 1, "79610897217573941428626", 25, 2, 26, 2, "79610897217573941424136"},
    {DECIMAL_SUB, "767", 3, 1, "-68", 2, 1, 4, 1, "835"},
    {DECIMAL_MUL, "-51638107305980824365", 20, 0, "214983318363146044", 18, 17, 38, 16,
     "-1110133166263197325417737697800856206"},
    {DECIMAL_DIV, "-31341824454911533839829753258533219858", 38, 7, "-20", 2, 0, 38, 7,
     "1567091222745576691991487662926660993"},
    {DECIMAL_MOD, "70171332346918062059014781541459165025", 38, 9,
     "18078329256677947652413405861361385108", 38, 24, 38, 24,
     "6889682804448611889158584543910730964"},
};

static int128_t read(const char *text)
{
    int128_t value = 0;
    assert_true(decimal_parse(bytes_from(text), 38, 0, &value, NULL));
    return value;
}

static void arithmetic_agrees_with_exact_computation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        int precision, scale;
        decimal_result(vectors[i].op, vectors[i].p1, vectors[i].s1, vectors[i].p2, vectors[i].s2,
                       true, &precision, &scale);
        assert_int_equal(precision, vectors[i].precision);
        assert_int_equal(scale, vectors[i].scale);
        int128_t out;
        char text[DECIMAL_TEXT_MAX + 1] = "null";
        if (decimal_compute(vectors[i].op, read(vectors[i].a), vectors[i].s1, read(vectors[i].b),
                            vectors[i].s2, precision, scale, &out))
            text[decimal_text_plain(text, out, 0)] = '\0';
        if (strcmp(text, vectors[i].result) != 0)
            fail_msg("vector %zu: %s, expected %s", i, text, vectors[i].result);
    }
}

static void results_match_a_real_spark(void **state)
{
    (void)state;
    int p, s;
    int128_t out;
    decimal_result(DECIMAL_DIV, 3, 1, 1, 0, true, &p, &s); // 10.0 / 3
    assert_int_equal(p, 8);
    assert_int_equal(s, 6);
    assert_true(decimal_compute(DECIMAL_DIV, 100, 1, 3, 0, p, s, &out));
    assert_true(out == 3333333);
    decimal_result(DECIMAL_DIV, 38, 18, 38, 18, true, &p, &s);
    assert_int_equal(p, 38);
    assert_int_equal(s, 6);
    decimal_result(DECIMAL_MUL, 3, 0, 2, 1, true, &p, &s);
    assert_int_equal(p, 6);
    decimal_result(DECIMAL_MUL, 38, 20, 38, 20, false, &p, &s);
    assert_int_equal(p, 38);
    assert_int_equal(s, 38);
    int128_t nines = decimal_power(38) - 1;
    assert_false(decimal_compute(DECIMAL_ADD, nines, 0, 1, 0, 38, 0, &out));
    assert_false(decimal_compute(DECIMAL_MUL, nines, 0, 10, 0, 38, 0, &out));
    assert_false(decimal_compute(DECIMAL_DIV, 15, 1, 0, 0, 8, 6, &out));
    assert_true(decimal_compute(DECIMAL_PMOD, -7, 0, 3, 0, 1, 0, &out));
    assert_true(out == 2);
    assert_true(decimal_compute(DECIMAL_IDIV, -75, 1, 2, 0, 38, 0, &out));
    assert_true(out == -3);
}

static void check_parse(const char *text, int precision, int scale, const char *expected)
{
    int128_t value;
    bool overflow;
    char out[DECIMAL_TEXT_MAX + 1] = "bad";
    if (decimal_parse(bytes_from(text), precision, scale, &value, &overflow))
        out[decimal_text_plain(out, value, scale)] = '\0';
    else if (overflow)
        memcpy(out, "large", 6);
    if (strcmp(out, expected) != 0)
        fail_msg("'%s' gave %s, expected %s", text, out, expected);
}

static void texts_round_half_up_into_their_type(void **state)
{
    (void)state;
    check_parse("123.455", 5, 2, "123.46");
    check_parse("123.456", 5, 2, "123.46");
    check_parse("-123.455", 5, 2, "-123.46");
    check_parse("1234.5", 5, 2, "large");
    check_parse("999.995", 5, 2, "large");
    check_parse(" 1e2 ", 5, 2, "100.00");
    check_parse(".5", 1, 0, "1");
    check_parse("0.05", 1, 0, "0");
    check_parse("00012.", 5, 2, "12.00");
    check_parse("1e-400", 5, 2, "0.00");
    check_parse("1e400", 5, 2, "large");
    check_parse("0e999", 5, 2, "0.00");
    check_parse("1e99999999999", 5, 2, "bad");
    check_parse(".", 5, 2, "bad");
    check_parse("", 5, 2, "bad");
    check_parse("1x", 5, 2, "bad");
    check_parse("1.2.3", 5, 2, "bad");
    check_parse("99999999999999999999999999999999999999", 38, 0,
                "99999999999999999999999999999999999999");
    check_parse("0.000000000000000000000000000000000000005", 38, 38,
                "0.00000000000000000000000000000000000001");
}

static void literals_keep_their_written_scale(void **state)
{
    (void)state;
    int128_t value;
    int p, s;
    assert_true(decimal_parse_exact(bytes_from("0.00"), &value, &p, &s));
    assert_true(value == 0 && p == 2 && s == 2);
    assert_true(decimal_parse_exact(bytes_from("1.50"), &value, &p, &s));
    assert_true(value == 150 && p == 3 && s == 2);
    assert_true(decimal_parse_exact(bytes_from("123456789012345678901234567890"), &value, &p, &s));
    assert_true(p == 30 && s == 0);
    assert_true(decimal_parse_exact(bytes_from("1e3"), &value, &p, &s));
    assert_true(value == 1000 && p == 4 && s == 0);
    assert_false(decimal_parse_exact(bytes_from("1e38"), &value, &p, &s));
}

static void java_text_uses_an_exponent_for_small_numbers(void **state)
{
    (void)state;
    char out[DECIMAL_TEXT_MAX + 1];
    out[decimal_text_java(out, 0, 18)] = '\0';
    assert_string_equal(out, "0E-18");
    out[decimal_text_java(out, -123, 10)] = '\0';
    assert_string_equal(out, "-1.23E-8");
    out[decimal_text_java(out, 1, 6)] = '\0';
    assert_string_equal(out, "0.000001");
    out[decimal_text_java(out, 450, 2)] = '\0';
    assert_string_equal(out, "4.50");
}

static void doubles_convert_by_their_shortest_text(void **state)
{
    (void)state;
    int128_t value;
    int64_t whole;
    assert_true(decimal_from_double(0.125, 5, 2, &value) && value == 13);
    assert_true(decimal_from_double(1.005, 10, 2, &value) && value == 101);
    assert_false(decimal_from_double(1e30, 5, 2, &value));
    assert_true(decimal_to_double(1005, 3) == 1.005);
    assert_true(decimal_to_double(decimal_power(38) - 1, 38) == 1.0);
    assert_true(decimal_to_long(-1299, 2, &whole) && whole == -12);
    assert_false(decimal_to_long(decimal_power(20), 0, &whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_agrees_with_exact_computation),
        cmocka_unit_test(results_match_a_real_spark),
        cmocka_unit_test(texts_round_half_up_into_their_type),
        cmocka_unit_test(literals_keep_their_written_scale),
        cmocka_unit_test(java_text_uses_an_exponent_for_small_numbers),
        cmocka_unit_test(doubles_convert_by_their_shortest_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

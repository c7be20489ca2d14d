// SPDX-License-Identifier: Apache-2.0
//
// Variance and its kin, by Spark's CentralMomentAgg (Welford's updates), so that results agree to
// the last digit.
#include "sql/exec/aggregate.h"
#include "sql/function_rules.h"

#include <math.h>

struct moments {
    double n, mean, m2, m3, m4;
};

static err_t moments_update(const struct agg_context *context, const struct agg_rows *rows)
{
    (void)context;
    for (size_t i = 0; i < rows->count; i++) {
        if (vector_null(&rows->args[0], i))
            continue;
        struct moments *m = agg_state(rows, i);
        double n = m->n + 1;
        double delta = vector_double(&rows->args[0], i) - m->mean;
        double delta_n = delta / n;
        double m2 = m->m2 + delta * (delta - delta_n);
        double delta2 = delta * delta;
        double delta_n2 = delta_n * delta_n;
        double m3 = m->m3 - 3 * delta_n * m2 + delta * (delta2 - delta_n2);
        m->m4 = m->m4 - 4 * delta_n * m3 - 6 * delta_n2 * m2 +
                delta * (delta * delta2 - delta_n * delta_n2);
        m->n = n;
        m->mean += delta_n;
        m->m2 = m2;
        m->m3 = m3;
    }
    return ERR_OK;
}

static err_t moments_finish(const struct agg_context *context, const void *state,
                            struct builder *out)
{
    const struct moments *m = state;
    const char *name = context->call->function->name;
    bool population = strstr(name, "_pop") != NULL;
    bool root = name[0] == 's' && name[1] == 't';
    if (m->n == 0) {
        builder_null(out);
    } else if (name[0] == 's' && !root) {
        builder_double(out,
                       m->m2 == 0 ? (double)NAN : sqrt(m->n) * m->m3 / sqrt(m->m2 * m->m2 * m->m2));
    } else if (name[0] == 'k') {
        builder_double(out, m->m2 == 0 ? (double)NAN : m->n * m->m4 / (m->m2 * m->m2) - 3);
    } else if (!population && m->n == 1) {
        builder_null(out);
    } else {
        double variance = m->m2 / (population ? m->n : m->n - 1);
        builder_double(out, root ? sqrt(variance) : variance);
    }
    return ERR_OK;
}

static void moments_save(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    str_append(out, state, sizeof(struct moments));
}

static bool moments_load(const struct agg_context *context, void *state, struct bytes *in)
{
    (void)context;
    return agg_take(in, state, sizeof(struct moments));
}

const struct aggregate aggregate_moments = {.state_size = sizeof(struct moments),
                                            .update = moments_update,
                                            .finish = moments_finish,
                                            .save = moments_save,
                                            .load = moments_load};

// --- two variables
// ---------------------------------------------------------------------------------

struct comoments {
    double n, x_mean, y_mean, cxy, xx, yy;
};

static err_t comoments_update(const struct agg_context *context, const struct agg_rows *rows)
{
    (void)context;
    for (size_t i = 0; i < rows->count; i++) {
        if (vector_null(&rows->args[0], i) || vector_null(&rows->args[1], i))
            continue;
        struct comoments *c = agg_state(rows, i);
        double x = vector_double(&rows->args[0], i);
        double y = vector_double(&rows->args[1], i);
        c->n++;
        double dx = x - c->x_mean;
        double dy = y - c->y_mean;
        c->x_mean += dx / c->n;
        c->y_mean += dy / c->n;
        c->cxy += dx * (dy / c->n) * (c->n - 1); // as Spark merges partitions of one row each
        c->xx += dx * (x - c->x_mean);
        c->yy += dy * (y - c->y_mean);
    }
    return ERR_OK;
}

static err_t comoments_finish(const struct agg_context *context, const void *state,
                              struct builder *out)
{
    const struct comoments *c = state;
    const char *name = context->call->function->name;
    bool known = c->n > 0;
    double value = 0;
    if (strcmp(name, "regr_count") == 0) {
        builder_long(out, (int64_t)c->n);
        return ERR_OK;
    }
    if (strcmp(name, "covar_pop") == 0) {
        value = c->cxy / c->n;
    } else if (strcmp(name, "covar_samp") == 0) {
        known = c->n > 1;
        value = c->cxy / (c->n - 1);
    } else if (strcmp(name, "corr") == 0) {
        value = c->xx == 0 || c->yy == 0 ? (double)NAN : c->cxy / sqrt(c->xx * c->yy);
    } else if (strcmp(name, "regr_r2") == 0) {
        known = known && c->yy != 0;
        value = c->xx == 0 ? 1 : c->cxy * c->cxy / (c->xx * c->yy);
    } else { // (y, x): argument 0 is y
        known = known && c->yy != 0;
        double slope = c->cxy / c->yy;
        value = strcmp(name, "regr_slope") == 0 ? slope : c->x_mean - slope * c->y_mean;
    }
    if (known)
        builder_double(out, value);
    else
        builder_null(out);
    return ERR_OK;
}

static void comoments_save(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    str_append(out, state, sizeof(struct comoments));
}

static bool comoments_load(const struct agg_context *context, void *state, struct bytes *in)
{
    (void)context;
    return agg_take(in, state, sizeof(struct comoments));
}

const struct aggregate aggregate_comoments = {.state_size = sizeof(struct comoments),
                                              .update = comoments_update,
                                              .finish = comoments_finish,
                                              .save = comoments_save,
                                              .load = comoments_load};

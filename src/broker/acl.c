// SPDX-License-Identifier: Apache-2.0
//
// Rules about one name hang together in a map by (resource, pattern, name). A decision looks up the
// literal name, the literal "*", and each length that a prefix of this resource has; the number of
// rules does not matter to it.
#include "broker/acl.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "os/thread.h"

#include <stdlib.h>

#define KEY_HEAD_BYTES 2 // resource, pattern
#define NAME_MAX_BYTES 32767
#define KINDS          (ACL_USER + 1)

struct rule {
    struct bytes principal; // heap, in one piece with host
    struct bytes host;
    enum acl_operation operation;
    enum acl_permission permission;
};

struct rules { // about one name
    uint8_t *key;
    VEC(struct rule) all;
};

struct prefix_length {
    size_t size;
    size_t names; // how many prefixes have it
};

MAP_DEFINE(rules_map, struct bytes, struct rules, bytes_hash, bytes_equal);

struct acls {
    struct mutex lock;
    struct rules_map map;
    VEC(struct prefix_length) lengths[KINDS]; // by resource
    size_t count;
};

struct acls *acls_new(void)
{
    struct acls *acls = MEM_NEW(struct acls);
    mutex_init(&acls->lock);
    return acls;
}

static void rules_release(struct rules *rules)
{
    for (size_t i = 0; i < rules->all.count; i++)
        mem_free((void *)(uintptr_t)rules->all.items[i].principal.ptr);
    vec_release(&rules->all);
    mem_free(rules->key);
}

void acls_free(struct acls *acls)
{
    for (size_t i = 0; i < acls->map.capacity; i++)
        if (acls->map.used[i])
            rules_release(&acls->map.values[i]);
    rules_map_release(&acls->map);
    for (size_t i = 0; i < KINDS; i++)
        vec_release(&acls->lengths[i]);
    mutex_release(&acls->lock);
    mem_free(acls);
}

// --- words ---------------------------------------------------------------------------

static const char *word_of(const char *const *words, size_t count, int code)
{
    return code >= 0 && (size_t)code < count ? words[code] : NULL;
}

const char *acl_resource_word(int code)
{
    static const char *const words[] = {
        NULL, "ANY", "TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"};
    return word_of(words, sizeof words / sizeof *words, code);
}

const char *acl_pattern_word(int code)
{
    static const char *const words[] = {NULL, "ANY", "MATCH", "LITERAL", "PREFIXED"};
    return word_of(words, sizeof words / sizeof *words, code);
}

const char *acl_operation_word(int code)
{
    static const char *const words[] = {NULL,
                                        "ANY",
                                        "ALL",
                                        "READ",
                                        "WRITE",
                                        "CREATE",
                                        "DELETE",
                                        "ALTER",
                                        "DESCRIBE",
                                        "CLUSTER_ACTION",
                                        "DESCRIBE_CONFIGS",
                                        "ALTER_CONFIGS",
                                        "IDEMPOTENT_WRITE",
                                        "CREATE_TOKENS",
                                        "DESCRIBE_TOKENS",
                                        "TWO_PHASE_COMMIT"};
    return word_of(words, sizeof words / sizeof *words, code);
}

const char *acl_permission_word(int code)
{
    static const char *const words[] = {NULL, "ANY", "DENY", "ALLOW"};
    return word_of(words, sizeof words / sizeof *words, code);
}

// --- checks --------------------------------------------------------------------------

static const char *shown(const char *word)
{
    return word ? word : "UNKNOWN";
}

err_t acl_check(const struct acl *rule, struct diag *diag)
{
    if (rule->resource <= ACL_RESOURCE_ANY || rule->resource > ACL_USER)
        return FAIL(diag, ERR_INVALID, "Invalid resourceType %s",
                    shown(acl_resource_word((int)rule->resource)));
    if (rule->pattern != ACL_LITERAL && rule->pattern != ACL_PREFIXED)
        return FAIL(diag, ERR_INVALID, "Invalid patternType %s",
                    shown(acl_pattern_word((int)rule->pattern)));
    if (rule->operation <= ACL_OPERATION_ANY || rule->operation > ACL_TWO_PHASE_COMMIT)
        return FAIL(diag, ERR_INVALID, "Invalid operation %s",
                    shown(acl_operation_word((int)rule->operation)));
    if (rule->permission != ACL_DENY && rule->permission != ACL_ALLOW)
        return FAIL(diag, ERR_INVALID, "Invalid permissionType %s",
                    shown(acl_permission_word((int)rule->permission)));
    if (rule->name.size == 0)
        return FAIL(diag, ERR_INVALID, "Resource name should not be empty");
    if (rule->name.size > NAME_MAX_BYTES || rule->principal.size > NAME_MAX_BYTES ||
        rule->host.size > NAME_MAX_BYTES)
        return FAIL(diag, ERR_INVALID, "A name is longer than %d bytes", NAME_MAX_BYTES);
    if (rule->resource == ACL_CLUSTER && !bytes_is(rule->name, ACL_CLUSTER_NAME))
        return FAIL(diag, ERR_INVALID, "The only valid name for the CLUSTER resource is %s",
                    ACL_CLUSTER_NAME);
    if (rule->principal.size == 0 || !memchr(rule->principal.ptr, ':', rule->principal.size))
        return FAIL(diag, ERR_INVALID,
                    "Could not parse principal from `%.*s` (no colon is present separating the "
                    "principal type from the principal name)",
                    BYTES_PRINT(rule->principal));
    return ERR_OK;
}

err_t acl_check_filter(const struct acl *filter, struct diag *diag)
{
    if (!acl_resource_word((int)filter->resource) || !acl_pattern_word((int)filter->pattern))
        return FAIL(diag, ERR_INVALID, "Unknown patternFilter.");
    if (!acl_operation_word((int)filter->operation) ||
        !acl_permission_word((int)filter->permission))
        return FAIL(diag, ERR_INVALID, "Unknown entryFilter.");
    return ERR_OK;
}

// --- keeping -------------------------------------------------------------------------

// The key of a name in the map, in memory that it is looked up with.
static struct bytes make_key(struct str *buffer, enum acl_resource resource,
                             enum acl_pattern pattern, struct bytes name)
{
    str_clear(buffer);
    str_append_byte(buffer, (char)resource);
    str_append_byte(buffer, (char)pattern);
    str_append_bytes(buffer, name);
    return str_bytes(buffer);
}

static void count_length(struct acls *acls, const struct acl *rule, int by)
{
    if (rule->pattern != ACL_PREFIXED)
        return;
    for (size_t i = 0; i < acls->lengths[rule->resource].count; i++) {
        struct prefix_length *length = &acls->lengths[rule->resource].items[i];
        if (length->size != rule->name.size)
            continue;
        length->names += (size_t)by;
        if (length->names == 0)
            vec_remove(&acls->lengths[rule->resource], i);
        return;
    }
    vec_push(&acls->lengths[rule->resource], ((struct prefix_length){rule->name.size, 1}));
}

static bool is_same(const struct rule *a, const struct acl *b)
{
    return a->operation == b->operation && a->permission == b->permission &&
           bytes_equal(a->principal, b->principal) && bytes_equal(a->host, b->host);
}

static struct rule rule_make(const struct acl *from)
{
    uint8_t *texts = mem_alloc(from->principal.size + from->host.size + 1);
    memcpy(texts, from->principal.ptr, from->principal.size);
    if (from->host.size)
        memcpy(texts + from->principal.size, from->host.ptr, from->host.size);
    return (struct rule){.principal = bytes_make(texts, from->principal.size),
                         .host = bytes_make(texts + from->principal.size, from->host.size),
                         .operation = from->operation,
                         .permission = from->permission};
}

static struct rules *rules_of(struct acls *acls, const struct acl *rule)
{
    struct str buffer = {0};
    struct rules *rules =
        rules_map_get(&acls->map, make_key(&buffer, rule->resource, rule->pattern, rule->name));
    str_release(&buffer);
    return rules;
}

static struct rules *rules_made(struct acls *acls, const struct acl *rule)
{
    struct str buffer = {0};
    make_key(&buffer, rule->resource, rule->pattern, rule->name);
    size_t size = buffer.size;
    uint8_t *key = (uint8_t *)str_take(&buffer);
    struct rules *rules = rules_map_put(&acls->map, bytes_make(key, size), NULL);
    rules->key = key;
    count_length(acls, rule, 1);
    return rules;
}

static size_t index_of(const struct rules *rules, const struct acl *rule)
{
    size_t i = 0;
    while (i < rules->all.count && !is_same(&rules->all.items[i], rule))
        i++;
    return i;
}

bool acls_has(struct acls *acls, const struct acl *rule)
{
    mutex_lock(&acls->lock);
    struct rules *rules = rules_of(acls, rule);
    bool has = rules && index_of(rules, rule) < rules->all.count;
    mutex_unlock(&acls->lock);
    return has;
}

bool acls_add(struct acls *acls, const struct acl *rule)
{
    mutex_lock(&acls->lock);
    struct rules *rules = rules_of(acls, rule);
    if (!rules)
        rules = rules_made(acls, rule);
    bool added = index_of(rules, rule) == rules->all.count;
    if (added) {
        struct rule kept = rule_make(rule);
        vec_push(&rules->all, kept);
        acls->count++;
    }
    mutex_unlock(&acls->lock);
    return added;
}

static void forget_name(struct acls *acls, const struct acl *rule, struct rules *rules)
{
    struct rules gone = *rules;
    count_length(acls, rule, -1);
    rules_map_remove(&acls->map, bytes_make(gone.key, KEY_HEAD_BYTES + rule->name.size));
    rules_release(&gone);
}

bool acls_remove(struct acls *acls, const struct acl *rule)
{
    mutex_lock(&acls->lock);
    struct rules *rules = rules_of(acls, rule);
    size_t index = rules ? index_of(rules, rule) : 0;
    bool found = rules && index < rules->all.count;
    if (found) {
        mem_free((void *)(uintptr_t)rules->all.items[index].principal.ptr);
        vec_remove(&rules->all, index);
        acls->count--;
        if (rules->all.count == 0)
            forget_name(acls, rule, rules);
    }
    mutex_unlock(&acls->lock);
    return found;
}

size_t acls_count(struct acls *acls)
{
    mutex_lock(&acls->lock);
    size_t count = acls->count;
    mutex_unlock(&acls->lock);
    return count;
}

// --- finding -------------------------------------------------------------------------

static bool passes_name(const struct acl *filter, enum acl_pattern pattern, struct bytes name)
{
    if (filter->pattern != ACL_PATTERN_ANY && filter->pattern != ACL_MATCH &&
        filter->pattern != pattern)
        return false;
    if (!filter->name.ptr)
        return true;
    if (filter->pattern != ACL_MATCH)
        return bytes_equal(filter->name, name);
    if (pattern == ACL_LITERAL)
        return bytes_equal(filter->name, name) || bytes_is(name, "*");
    return bytes_starts(filter->name, name);
}

static bool passes_rule(const struct acl *filter, const struct rule *rule)
{
    return (!filter->principal.ptr || bytes_equal(filter->principal, rule->principal)) &&
           (!filter->host.ptr || bytes_equal(filter->host, rule->host)) &&
           (filter->operation == ACL_OPERATION_ANY || filter->operation == rule->operation) &&
           (filter->permission == ACL_PERMISSION_ANY || filter->permission == rule->permission);
}

static int compare_acls(const void *left, const void *right)
{
    const struct acl *a = left, *b = right;
    int order = (int)a->resource - (int)b->resource;
    if (!order)
        order = (int)a->pattern - (int)b->pattern;
    if (!order)
        order = bytes_compare(a->name, b->name);
    if (!order)
        order = bytes_compare(a->principal, b->principal);
    if (!order)
        order = bytes_compare(a->host, b->host);
    if (!order)
        order = (int)a->operation - (int)b->operation;
    return order ? order : (int)a->permission - (int)b->permission;
}

static struct acl acl_of(const struct bytes *key, const struct rule *rule, struct arena *arena)
{
    return (struct acl){.resource = key->ptr[0],
                        .pattern = key->ptr[1],
                        .name = arena_bytes(arena, bytes_make(key->ptr + KEY_HEAD_BYTES,
                                                              key->size - KEY_HEAD_BYTES)),
                        .principal = arena_bytes(arena, rule->principal),
                        .host = arena_bytes(arena, rule->host),
                        .operation = rule->operation,
                        .permission = rule->permission};
}

struct acl *acls_find(struct acls *acls, const struct acl *filter, struct arena *arena,
                      size_t *count)
{
    *count = 0;
    mutex_lock(&acls->lock);
    struct acl *found = ARENA_ARRAY(arena, struct acl, acls->count + 1);
    for (size_t i = 0; i < acls->map.capacity; i++) {
        if (!acls->map.used[i])
            continue;
        struct bytes key = acls->map.keys[i];
        struct bytes name = bytes_make(key.ptr + KEY_HEAD_BYTES, key.size - KEY_HEAD_BYTES);
        if (filter->resource != ACL_RESOURCE_ANY && (int)filter->resource != key.ptr[0])
            continue;
        if (!passes_name(filter, key.ptr[1], name))
            continue;
        const struct rules *rules = &acls->map.values[i];
        for (size_t r = 0; r < rules->all.count; r++)
            if (passes_rule(filter, &rules->all.items[r]))
                found[(*count)++] = acl_of(&key, &rules->all.items[r], arena);
    }
    mutex_unlock(&acls->lock);
    qsort(found, *count, sizeof *found, compare_acls);
    return found;
}

// --- deciding ------------------------------------------------------------------------

static bool is_about(const struct rule *rule, const struct acl_caller *caller)
{
    return (bytes_equal(rule->principal, caller->principal) ||
            bytes_is(rule->principal, "User:*")) &&
           (bytes_is(rule->host, "*") || bytes_equal(rule->host, caller->host));
}

// Being allowed to read, write, delete or alter implies being allowed to look; being denied does
// not deny it.
static bool covers(const struct rule *rule, enum acl_operation operation)
{
    if (rule->operation == ACL_ALL || rule->operation == operation)
        return true;
    if (rule->permission != ACL_ALLOW)
        return false;
    if (operation == ACL_DESCRIBE)
        return rule->operation == ACL_READ || rule->operation == ACL_WRITE ||
               rule->operation == ACL_DELETE || rule->operation == ACL_ALTER;
    return operation == ACL_DESCRIBE_CONFIGS && rule->operation == ACL_ALTER_CONFIGS;
}

struct decision {
    const struct acl_caller *caller;
    enum acl_operation operation;
    bool any; // a rule about the resource
    bool allowed, denied;
};

static void weigh(const struct acls *acls, struct decision *decision, struct bytes key)
{
    const struct rules *rules = rules_map_get(&acls->map, key);
    if (!rules)
        return;
    decision->any = true;
    for (size_t i = 0; i < rules->all.count && !decision->denied; i++) {
        const struct rule *rule = &rules->all.items[i];
        if (!is_about(rule, decision->caller) || !covers(rule, decision->operation))
            continue;
        if (rule->permission == ACL_DENY)
            decision->denied = true;
        else
            decision->allowed = true;
    }
}

enum acl_verdict acls_decide(struct acls *acls, const struct acl_caller *caller,
                             enum acl_operation operation, enum acl_resource resource,
                             struct bytes name)
{
    struct decision decision = {.caller = caller, .operation = operation};
    struct str buffer = {0};
    mutex_lock(&acls->lock);
    weigh(acls, &decision, make_key(&buffer, resource, ACL_LITERAL, name));
    if (!bytes_is(name, "*"))
        weigh(acls, &decision, make_key(&buffer, resource, ACL_LITERAL, bytes_from("*")));
    for (size_t i = 0; i < acls->lengths[resource].count && !decision.denied; i++) {
        size_t size = acls->lengths[resource].items[i].size;
        if (size <= name.size)
            weigh(acls, &decision,
                  make_key(&buffer, resource, ACL_PREFIXED, bytes_make(name.ptr, size)));
    }
    mutex_unlock(&acls->lock);
    str_release(&buffer);
    if (decision.denied)
        return ACL_DENIED;
    if (decision.allowed)
        return ACL_ALLOWED;
    return decision.any ? ACL_DENIED : ACL_NO_RULE;
}

// Has the caller a rule about exactly this name and operation (or All)?
static bool says(const struct acls *acls, const struct acl_caller *caller,
                 enum acl_operation operation, enum acl_permission permission, struct bytes key)
{
    const struct rules *rules = rules_map_get(&acls->map, key);
    for (size_t i = 0; rules && i < rules->all.count; i++) {
        const struct rule *rule = &rules->all.items[i];
        if (rule->permission == permission && is_about(rule, caller) &&
            (rule->operation == operation || rule->operation == ACL_ALL))
            return true;
    }
    return false;
}

// Is the allowed literal name or prefix taken away again by a denied one?
static bool is_dominated(const struct acls *acls, const struct acl_caller *caller,
                         enum acl_operation operation, struct bytes allowed)
{
    enum acl_resource resource = allowed.ptr[0];
    struct bytes name = bytes_make(allowed.ptr + KEY_HEAD_BYTES, allowed.size - KEY_HEAD_BYTES);
    struct str buffer = {0};
    bool dominated =
        allowed.ptr[1] == ACL_LITERAL && says(acls, caller, operation, ACL_DENY, allowed);
    for (size_t i = 0; i < acls->lengths[resource].count && !dominated; i++) {
        size_t size = acls->lengths[resource].items[i].size;
        if (size <= name.size)
            dominated = says(acls, caller, operation, ACL_DENY,
                             make_key(&buffer, resource, ACL_PREFIXED, bytes_make(name.ptr, size)));
    }
    str_release(&buffer);
    return dominated;
}

bool acls_allow_some(struct acls *acls, const struct acl_caller *caller,
                     enum acl_operation operation, enum acl_resource resource)
{
    struct str buffer = {0};
    bool some = false;
    mutex_lock(&acls->lock);
    struct bytes every = make_key(&buffer, resource, ACL_LITERAL, bytes_from("*"));
    bool none = says(acls, caller, operation, ACL_DENY, every);
    if (!none)
        some = says(acls, caller, operation, ACL_ALLOW, every);
    for (size_t i = 0; i < acls->map.capacity && !none && !some; i++)
        some = acls->map.used[i] && acls->map.keys[i].ptr[0] == resource &&
               says(acls, caller, operation, ACL_ALLOW, acls->map.keys[i]) &&
               !is_dominated(acls, caller, operation, acls->map.keys[i]);
    mutex_unlock(&acls->lock);
    str_release(&buffer);
    return some;
}

// A skill in C. Its inputs fit their schemas before they come here, so it reads no more JSON than it must.

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bindings/skill.h"

#define TEXT                                                          \
    "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}," \
    "\"required\":[\"text\"],\"additionalProperties\":false}"
#define TIDIED                                                        \
    "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}," \
    "\"words\":{\"type\":\"integer\"}},\"required\":[\"text\",\"words\"]}"

extern char **environ;

static void descriptor(skill_descriptor_t *skill, const char *name, const char *description,
                       const char *takes, const char *gives) {
    skill_string_dup(&skill->name, name);
    skill_string_dup(&skill->version, "1.0.0");
    skill_string_dup(&skill->description, description);
    skill_string_dup(&skill->when_to_use, "");
    skill_string_dup(&skill->category, "");
    skill_string_dup(&skill->input_schema, takes);
    skill_string_dup(&skill->output_schema, gives);
}

void exports_skill_describe(skill_list_descriptor_t *skills) {
    skills->len = 3;
    skills->ptr = malloc(skills->len * sizeof *skills->ptr);
    descriptor(&skills->ptr[0], "tidy", "Puts one space between the words of a text.", TEXT, TIDIED);
    descriptor(&skills->ptr[1], "surroundings", "Tells what a skill finds around it.", "{}",
               "{\"type\":\"object\"}");
    descriptor(&skills->ptr[2], "spin", "Never answers.", "{}", "{}");
}

// The length of a space, of an escape, or of any other byte of a JSON string; `blank` if it is white space.
static size_t step(const uint8_t *at, bool *blank) {
    *blank = *at == ' ' || (*at == '\\' && strchr("nrt", at[1]) != NULL);
    return *at == '\\' ? 2 : 1;
}

// The first byte within the string that is the one member of an object.
static const uint8_t *member(const uint8_t *at) {
    for (int quotes = 0; quotes < 3; at++) {
        quotes += *at == '"';
        at += *at == '\\';
    }
    return at;
}

static bool tidy(const skill_string_t *input, skill_string_t *ret, skill_skill_error_t *err) {
    char *out = malloc(input->len + 64);
    size_t len = sprintf(out, "{\"text\":\"");
    unsigned words = 0;
    bool blank, between = true;
    for (const uint8_t *at = member(input->ptr); *at != '"';) {
        size_t length = step(at, &blank);
        if (!blank) {
            if (between && words++ > 0) out[len++] = ' ';
            memcpy(out + len, at, length);
            len += length;
        }
        between = blank;
        at += length;
    }
    if (words == 0) {
        free(out);
        err->tag = COWORKER_SKILL_TYPES_SKILL_ERROR_INVALID_INPUT;
        skill_string_dup(&err->val.invalid_input, "the text is blank");
        return false;
    }
    len += sprintf(out + len, "\",\"words\":%u}", words);
    *ret = (skill_string_t){(uint8_t *)out, len};
    return true;
}

static size_t list(char *out, size_t room, const char *text, size_t len) {
    return snprintf(out, room, "%s\"%s\"", len > 0 ? "," : "", text);
}

static void list_variables(char *out, size_t room) {
    size_t len = 0;
    for (char **variable = environ; variable != NULL && *variable != NULL && len < room; variable++)
        len += list(out + len, room - len, *variable, len);
}

static void list_files(char *out, size_t room) {
    size_t len = 0;
    DIR *root = opendir("/");
    if (root == NULL) return;
    for (struct dirent *file; (file = readdir(root)) != NULL && len < room;)
        len += list(out + len, room - len, file->d_name, len);
    closedir(root);
}

static void surroundings(skill_string_t *ret) {
    static const char *const tiers[] = {"untrusted", "known", "internal", "privileged"};
    char variables[1024] = "", files[1024] = "", out[4096];
    list_variables(variables, sizeof variables);
    list_files(files, sizeof files);
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t random = 0;
    getentropy(&random, sizeof random);
    snprintf(out, sizeof out,
             "{\"tier\":\"%s\",\"variables\":[%s],\"files\":[%s],\"time\":%lld,\"random\":\"%016llx\"}",
             tiers[coworker_skill_call_tier()], variables, files,
             (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, (unsigned long long)random);
    skill_string_dup(ret, out);
}

static _Noreturn void spin(void) {
    for (volatile unsigned turns = 0;; turns++) {
    }
}

static bool is(const skill_string_t *skill, const char *name) {
    return skill->len == strlen(name) && memcmp(skill->ptr, name, skill->len) == 0;
}

bool exports_skill_invoke(skill_string_t *skill, skill_string_t *input, skill_string_t *ret,
                          skill_skill_error_t *err) {
    if (is(skill, "tidy")) return tidy(input, ret, err);
    if (is(skill, "spin")) spin();
    if (is(skill, "surroundings")) {
        surroundings(ret);
        return true;
    }
    err->tag = COWORKER_SKILL_TYPES_SKILL_ERROR_OTHER;
    skill_string_dup(&err->val.other, "no such skill");
    return false;
}

// SPDX-License-Identifier: Apache-2.0
#include "broker/security_answer.h"

struct changing {
    struct security_write write;
    struct request *request;
    void *response;
    void (*fail)(void *response, int16_t code, struct bytes story);
};

static void changed(struct security_write *write)
{
    struct changing *changing = CONTAINER_OF(write, struct changing, write);
    struct request *request = changing->request;
    if (write->err != ERR_OK)
        changing->fail(changing->response, kafka_code(write->err),
                       kafka_story(request, write->err, NULL));
    request_respond(request, changing->response);
}

void security_answer(struct request *request, const struct security_change *changes, size_t count,
                     void *response, void (*fail)(void *response, int16_t code, struct bytes story))
{
    struct changing *changing = ARENA_NEW(&request->arena, struct changing);
    *changing = (struct changing){
        .write = {.changes = changes, .count = count, .done = changed},
        .request = request,
        .response = response,
        .fail = fail,
    };
    security_change(request->broker->security, &changing->write);
}

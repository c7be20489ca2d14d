// SPDX-License-Identifier: Apache-2.0
#include "broker/sign_in.h"

void sasl_handshake_handle(struct request *request)
{
    sign_in_handshake(request);
}

// SPDX-License-Identifier: Apache-2.0
#include "broker/sign_in.h"

void sasl_authenticate_handle(struct request *request)
{
    sign_in_authenticate(request);
}

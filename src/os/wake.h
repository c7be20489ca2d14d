// SPDX-License-Identifier: Apache-2.0
//
// wake: a descriptor that becomes readable when another thread says so (eventfd(2)).
//
// Thread     wake_send from any; the others by the owner.
#ifndef OS_WAKE_H
#define OS_WAKE_H

int wake_open(void); // non-blocking; aborts when the process is out of descriptors
void wake_close(int fd);
void wake_send(int fd);
void wake_take(int fd); // it is no longer readable, until the next wake_send

#endif

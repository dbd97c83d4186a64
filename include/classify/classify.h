/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLASSIFY_CLASSIFY_H
#define CLASSIFY_CLASSIFY_H

/* libclassify: from a failed build's log to its cause. This header brings all others. */

#include <classify/common.h>
#include <classify/rules.h>
#include <classify/scan.h>

#endif

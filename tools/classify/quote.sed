# SPDX-License-Identifier: Apache-2.0
# A text as string literals of C, one for each line, without the tabs that it begins with.
s/^\t*//
s/[\\"]/\\&/g
s/.*/"&\\n"/

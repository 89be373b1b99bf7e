/* An account as a card of the overview: its state, its quota as a bar, its credentials. Pure. */
#ifndef HTTP_ACCOUNT_CARD_H
#define HTTP_ACCOUNT_CARD_H

#include "collectors/status.h"
#include "http/html.h"

void account_card(const struct account_status *account, struct html *page);

#endif

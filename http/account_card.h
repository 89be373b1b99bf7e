/* An account as a card of the overview: its state, its quota as a bar, its credentials. Pure. */
#ifndef HTTP_ACCOUNT_CARD_H
#define HTTP_ACCOUNT_CARD_H

#include "http/html.h"
#include "http/overview.h"
#include "schedule/status.h"

/* An error that the overview above shows already is left out. */
void account_card(const struct account_status *account, const struct overview *overview, struct html *page);

#endif

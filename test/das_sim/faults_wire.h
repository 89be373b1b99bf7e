/* Deliveries that do something to the connection, or take their time. */
#ifndef DAS_SIM_FAULTS_WIRE_H
#define DAS_SIM_FAULTS_WIRE_H

struct call;

/* Half of the reply, then RST. */
void wire_deliver_reset(struct call *call);
/* Half of the announced Content-Length, then FIN. */
void wire_deliver_truncated(struct call *call);
/* Nothing, until the client goes away. */
void wire_deliver_hang(struct call *call);
/* One byte of the body each 50 ms. */
void wire_deliver_drip(struct call *call);
/* Chunked, with a SessionList of --huge-size bytes, made while it is sent. */
void wire_deliver_huge(struct call *call);

#endif

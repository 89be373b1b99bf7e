#include "config/in_force.h"

#include <stdlib.h>

#include "core/thread.h"

struct config_in_force {
    pthread_mutex_t mutex;
    struct config *config; /* one reference, under the mutex */
};

struct config_in_force *config_in_force_new(struct config *config)
{
    struct config_in_force *in_force = calloc(1, sizeof(*in_force));

    if (in_force == NULL)
        return NULL;
    pthread_mutex_init(&in_force->mutex, NULL);
    in_force->config = config_get(config);
    return in_force;
}

void config_in_force_free(struct config_in_force *in_force)
{
    if (in_force == NULL)
        return;
    config_put(in_force->config);
    pthread_mutex_destroy(&in_force->mutex);
    free(in_force);
}

struct config *config_in_force_get(struct config_in_force *in_force)
{
    struct config *config;

    mutex_lock(&in_force->mutex);
    config = config_get(in_force->config);
    mutex_unlock(&in_force->mutex);
    return config;
}

void config_in_force_set(struct config_in_force *in_force, struct config *config)
{
    struct config *previous;

    config = config_get(config);
    mutex_lock(&in_force->mutex);
    previous = in_force->config;
    in_force->config = config;
    mutex_unlock(&in_force->mutex);
    config_put(previous);
}


#include "cigna_dance_outcome.h"


#define cigna_dance_outcome_entry(name, status, warn, retry, title, text)     \
    [cigna_dance_outcome_##name] = { #name, status, warn, retry, title, text }


/*
 * The texts tell members what happened to their account and what they can do.
 * Members know nothing of tokens and redirects.
 */

static const cigna_dance_outcome_t  cigna_outcomes[cigna_dance_outcome_max] = {

    cigna_dance_outcome_entry(none, 500, 1, 1,
        "Something went wrong",
        "The connection to Cigna was not completed. Please start again."),

    cigna_dance_outcome_entry(connected, 200, 0, 0,
        "You are connected",
        "Your Cigna account is connected. You can close this page and go "
        "back to the app."),

    cigna_dance_outcome_entry(denied, 200, 1, 1,
        "Not connected",
        "You did not allow access to your Cigna account, so nothing was "
        "connected. You can start again whenever you like."),

    cigna_dance_outcome_entry(provider_error, 502, 1, 1,
        "Cigna could not complete this",
        "Cigna reported a problem while you were signing in. Nothing was "
        "connected. Please wait a few minutes and start again."),

    cigna_dance_outcome_entry(state_unknown, 400, 1, 1,
        "This page is out of date",
        "We could not find the connection that this page belongs to. It may "
        "have been started too long ago. Please start again."),

    cigna_dance_outcome_entry(state_expired, 400, 1, 1,
        "This took too long",
        "For your safety a connection has to be completed within ten "
        "minutes. Nothing was connected. Please start again."),

    cigna_dance_outcome_entry(cookie_missing, 400, 1, 1,
        "Please continue where you started",
        "This connection was started in another browser, or your browser "
        "blocks cookies. Allow cookies for this site, then start again and "
        "stay in the same browser until the end."),

    cigna_dance_outcome_entry(cookie_mismatch, 400, 1, 1,
        "Please continue where you started",
        "This connection was started in another browser or by somebody "
        "else, so we stopped here to protect your account. Nothing was "
        "connected. If you want to connect, please start again."),

    cigna_dance_outcome_entry(identity_missing, 401, 1, 0,
        "Please sign in",
        "You are no longer signed in to the app, so we cannot tell whose "
        "account to connect. Please sign in to the app and start again."),

    cigna_dance_outcome_entry(identity_mismatch, 403, 1, 1,
        "Another person started this",
        "You are signed in to the app as somebody else than when this "
        "connection was started. Nothing was connected. Please sign in as "
        "yourself and start again."),

    cigna_dance_outcome_entry(tenant_mismatch, 403, 1, 1,
        "Another app started this",
        "This connection was started from another app. Nothing was "
        "connected. Please go back to the app that you want to connect and "
        "start again."),

    cigna_dance_outcome_entry(issuer_mismatch, 400, 1, 1,
        "We could not be sure this was Cigna",
        "The answer did not come from where we expected it, so we stopped to "
        "protect your account. Nothing was connected. Please start again "
        "from the app."),

    cigna_dance_outcome_entry(invalid_request, 400, 1, 1,
        "Something is missing",
        "The address of this page is incomplete or has been changed. Please "
        "start again from the app."),

    cigna_dance_outcome_entry(exchange_refused, 502, 1, 1,
        "Cigna did not accept the connection",
        "You did sign in, but Cigna then refused to complete the connection. "
        "Please start again. If it keeps happening, tell the app's support "
        "team."),

    cigna_dance_outcome_entry(exchange_invalid, 502, 1, 1,
        "Cigna gave an unexpected answer",
        "You did sign in, but we could not understand Cigna's answer. "
        "Nothing was connected. Please wait a few minutes and start again."),

    cigna_dance_outcome_entry(exchange_unreachable, 502, 1, 1,
        "Cigna cannot be reached",
        "You did sign in, but Cigna did not answer us. Nothing was "
        "connected. Please wait a few minutes and start again."),

    cigna_dance_outcome_entry(id_token_invalid, 502, 1, 1,
        "We could not be sure this was you",
        "Cigna's answer did not pass our safety checks, so nothing was "
        "connected. Please start again. If it keeps happening, tell the "
        "app's support team."),

    cigna_dance_outcome_entry(keys_unreachable, 502, 1, 1,
        "Cigna cannot be reached",
        "We could not get what we need to check Cigna's answer. Nothing was "
        "connected. Please wait a few minutes and start again."),

    cigna_dance_outcome_entry(discovery_failed, 503, 1, 1,
        "Cigna cannot be reached",
        "We could not find out where to send you at Cigna. Please wait a few "
        "minutes and start again."),

    cigna_dance_outcome_entry(store_failed, 503, 1, 1,
        "A problem on our side",
        "We could not save the connection. This is our problem and not "
        "yours. Please wait a few minutes and start again."),

    cigna_dance_outcome_entry(interrupted, 500, 1, 1,
        "The connection was interrupted",
        "Something on our side stopped before the connection was complete. "
        "Please start again."),

    cigna_dance_outcome_entry(in_progress, 200, 1, 0,
        "Cigna is slow",
        "You have signed in, and Cigna takes its time to complete the "
        "connection. There is nothing that you need to do: this page goes on "
        "by itself."),

    cigna_dance_outcome_entry(too_many_dances, 429, 1, 0,
        "Too many attempts",
        "There have been many attempts to connect in a short time. Please "
        "wait a minute and try again."),

    cigna_dance_outcome_entry(return_to_refused, 400, 1, 0,
        "This link cannot be used",
        "The link that brought you here leads to a page that the app does "
        "not allow. Please go back to the app and start again from there."),

    cigna_dance_outcome_entry(not_navigable, 400, 0, 1,
        "Please open this page yourself",
        "A connection can only be started by opening this page in a browser "
        "window, from the app. Please go back to the app and start again."),

    cigna_dance_outcome_entry(disconnected, 200, 0, 0,
        "You are disconnected",
        "Your Cigna account is no longer connected to the app."),

    cigna_dance_outcome_entry(not_disconnected, 503, 1, 0,
        "Not disconnected yet",
        "We could not remove the connection, so your Cigna account is still "
        "connected. Please wait a few minutes and try again."),

    cigna_dance_outcome_entry(abandoned, 400, 1, 1,
        "This took too long",
        "For your safety a connection has to be completed within ten "
        "minutes. Nothing was connected. Please start again."),

    cigna_dance_outcome_entry(displaced, 400, 1, 1,
        "A newer connection was started",
        "You have started to connect several times, and this attempt was too "
        "old to be kept. Please complete the newest one, or start again."),

    cigna_dance_outcome_entry(lost, 500, 1, 1,
        "A problem on our side",
        "We have lost this connection before it was complete. This is our "
        "problem and not yours. Please start again."),

    cigna_dance_outcome_entry(app_unreachable, 503, 1, 0,
        "The app cannot be reached",
        "The app did not answer, so we cannot tell whose account to connect. "
        "Nothing is lost: please wait a moment and load this page again.")
};


const cigna_dance_outcome_t *
cigna_dance_outcome_row(cigna_dance_outcome_e outcome)
{
    if ((unsigned) outcome >= cigna_dance_outcome_max) {
        outcome = cigna_dance_outcome_none;
    }

    return &cigna_outcomes[outcome];
}


cigna_dance_outcome_e
cigna_dance_outcome_find(cigna_slice_t name)
{
    unsigned  i;

    for (i = cigna_dance_outcome_none + 1; i < cigna_dance_outcome_max; i++) {
        if (cigna_slice_eq(name, cigna_slice_str(cigna_outcomes[i].name))) {
            return (cigna_dance_outcome_e) i;
        }
    }

    return cigna_dance_outcome_none;
}

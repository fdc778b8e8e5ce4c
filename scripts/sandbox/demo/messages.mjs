// The app's messages for the outcomes of a dance.  The outcomes are the
// gateway's closed list.  An unknown outcome gets a general message.

const RETRY = 'Please try again in a few minutes.';
const AGAIN = 'Please start again from this page.';

const problem = (title, text) => ({ tone: 'problem', title, text });
const notice = (title, text) => ({ tone: 'notice', title, text });

const MESSAGES = {
  connected: { tone: 'success', title: 'Your Cigna plan is connected',
               text: 'Your claims and coverage are below.' },
  disconnected: notice('Your Cigna plan is disconnected',
                       'We no longer have access to it.'),

  denied: notice('You did not share your Cigna data',
                 'Nothing was connected. You can connect whenever you like.'),

  cookie_missing: problem('This browser did not start the connection',
                          `${AGAIN} Please allow cookies.`),
  cookie_mismatch: problem('This browser did not start the connection',
                           AGAIN),
  identity_missing: problem('You were signed out on the way',
                            'Sign in, then connect again.'),
  identity_mismatch: problem('Somebody else signed in on the way',
                             'Nothing was connected. Check who is signed in,'
                             + ' then connect again.'),
  tenant_mismatch: problem('This connection belongs to another app', AGAIN),
  state_unknown: problem('We do not know this connection', AGAIN),
  state_expired: problem('This took too long', AGAIN),
  interrupted: problem('The connection was interrupted', AGAIN),
  invalid_request: problem('The answer could not be understood', AGAIN),

  issuer_mismatch: problem('The answer did not come from Cigna', AGAIN),
  provider_error: problem('Cigna reported a problem', RETRY),
  exchange_refused: problem('Cigna refused the connection', RETRY),
  exchange_unreachable: problem('Cigna cannot be reached', RETRY),
  exchange_invalid: problem('Cigna gave an unexpected answer', RETRY),
  id_token_invalid: problem('Cigna\'s answer could not be verified',
                            'Nothing was connected.'),
  keys_unreachable: problem('Cigna\'s answer could not be verified', RETRY),
  store_failed: problem('The connection could not be saved', RETRY),

  too_many_dances: problem('Too many attempts at once', RETRY),
  discovery_failed: problem('Cigna cannot be reached', RETRY),
  return_to_refused: problem('The link was wrong', AGAIN),
  not_navigable: problem('The link was wrong', AGAIN),
};

export function messageFor(outcome) {
  return Object.hasOwn(MESSAGES, outcome) ? MESSAGES[outcome]
    : problem('Your Cigna plan was not connected', AGAIN);
}

// Decides whether the gateway may refuse a member, by the ledger of the
// stand-in for Cigna and not by what the gateway says.
//
// A grant may be lost only if its refresh token was spent and the gateway had
// no chance to store the reply.  The gateway must then answer "grant_spent".

// Returns the refresh token that was sent last, or null.
function lastSent(tokens) {
  return tokens.filter(({ presented }) => presented.length)
    .reduce((last, token) =>
      (!last || token.presented.at(-1).at >= last.presented.at(-1).at
        ? token : last), null);
}

// Judges the final answer of a member.
//   answer  the result of Fleet's settle()
//   tokens  the member's refresh tokens in the ledger
//   excuse  called with the accepted request of a token; returns whether the
//           reply to it may be lost
// Returns null, or a text that names the fault.
export function judge(answer, tokens, excuse) {
  if (answer.what === 'served') {
    return null;
  }
  if (answer.what !== 'grant_spent') {
    return `ends as ${answer.what}: ${answer.text}`;
  }
  const held = lastSent(tokens);
  const spent = held?.presented.find(({ accepted }) => accepted);

  if (!spent) {
    return 'is called spent, but none of its refresh tokens was spent';
  }
  return excuse(spent) ? null
    : `is called spent, but the reply came: ${JSON.stringify(held.presented)}`;
}

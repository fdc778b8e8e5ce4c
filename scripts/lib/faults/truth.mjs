// Whether a member that is refused may be: by what the stand-in has seen, not
// by what the gateway says of itself.
//
// Only a refresh token that was spent, and whose reply nobody had the time to
// keep, may cost a grant; then the gateway says "spent", and nothing else.

// The refresh token that was sent last, and how it fared.
function lastSent(tokens) {
  return tokens.filter(({ presented }) => presented.length)
    .reduce((last, token) =>
      (!last || token.presented.at(-1).at >= last.presented.at(-1).at
        ? token : last), null);
}

// answer: the final one; tokens: of the ledger; excuse(presentation): why the
// reply to the one that was accepted may be lost, or null.
// Returns null, or in words what is wrong.
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
    return 'is called spent, and no token of it ever was';
  }
  return excuse(spent) ? null
    : 'is called spent, and the reply came: ' + JSON.stringify(held.presented);
}

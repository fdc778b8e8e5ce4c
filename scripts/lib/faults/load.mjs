// Members send requests all the time.  A Load collects and judges the answers.

import { setTimeout as sleep } from 'node:timers/promises';

export class Load {
  #going = true;
  #done;
  answers = [];                // { at, ms, member, what, status, text }

  // lanes: number of requests at a time; each lane sends one after the other
  // pause: the longest pause of a lane between two requests, in ms
  constructor(fleet, { members = fleet.members, nodes = fleet.nodes,
                       lanes = 16, pause = 20, random }) {
    this.#done = Promise.all(Array.from({ length: lanes }, () =>
      this.#lane(fleet, { members, nodes, pause, random: random.fork() })));
  }

  async #lane(fleet, { members, nodes, pause, random }) {
    while (this.#going) {
      const member = random.pick(members);
      const at = Date.now();
      const { what, status, text } = await fleet.ask(member,
                                                     random.pick(nodes));
      this.answers.push({ at, ms: Date.now() - at, member, what, status,
                          text: what === 'served' ? '' : text });
      await sleep(random.between(0, pause + 1));
    }
  }

  async stop() {
    this.#going = false;
    await this.#done;
    return this.answers;
  }

  // Returns { what: number of answers }.
  counts(answers = this.answers) {
    const counts = {};
    for (const { what } of answers) {
      counts[what] = (counts[what] ?? 0) + 1;
    }
    return counts;
  }

  // Adds to the tally the answers that are neither "served" nor allowed.  401
  // replies have a list of their own, because they make the member connect
  // again.
  judge(tally, { allowed = [], answers = this.answers } = {}) {
    for (const { at, what, status, text, member } of answers) {
      const line = `${new Date(at).toISOString()} ${member.key} ${what}: `
        + text;
      if (status === 401) {
        tally.false401.push(line);
      } else if (what !== 'served' && !allowed.includes(what)) {
        tally.errors.push(line);
      }
    }
  }
}

// All scenarios by name.  They run, and stand in the printed table, in this
// order.

import { badday } from './badday.mjs';
import { cut } from './cut.mjs';
import { expiry } from './expiry.mjs';
import { hang } from './hang.mjs';
import { kill } from './kill.mjs';
import { mixed } from './mixed.mjs';
import { outage } from './outage.mjs';
import { cluster, reshard, sentinel } from './primary.mjs';
import { reconnect } from './reconnect.mjs';
import { reload } from './reload.mjs';
import { rotate } from './rotate.mjs';
import { slow } from './slow.mjs';
import { upgrade } from './upgrade.mjs';

export const SCENARIOS = {
  kill, cut, expiry, sentinel, cluster, reshard, outage, reload, upgrade,
  reconnect, rotate, mixed, slow, hang, badday,
};

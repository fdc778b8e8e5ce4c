// All of them, by name, in the order of the table.

import { kill } from './kill.mjs';

export const SCENARIOS = { kill };

// The users of conf/redis/, with passwords for tests.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { TOP } from './scratch.mjs';

export const ADMIN = 'admin';
export const GATEWAY = 'cigna';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

export const passwordOf = (user) => `MARKsRedis-${user}-password`;

const usersOf = (file) =>
  readFileSync(`${TOP}/conf/redis/${file}`, 'utf8')
    .replace(/#SHA-256-OF-THE-PASSWORD-OF-(\S+)/g,
             (_, user) => `#${sha256(passwordOf(user))}`);

// The text of an ACL file.
export const redisUsers = () => usersOf('users.acl');
export const sentinelUsers = () => usersOf('sentinel-users.acl');

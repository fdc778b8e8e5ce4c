// The FHIR server.  It is read only, serves each member's own data, and has the
// habits of Cigna's server.

import { setTimeout as sleep } from 'node:timers/promises';

import { isProcessed, refuse, send, showFault } from '../faults.mjs';
import { SCOPES } from '../authorization.mjs';
import { Bundles, sizedBundle, SIZED_MIN } from './bundle.mjs';
import { Data } from './data.mjs';
import {
  capabilityStatement, isSupported, searchParameters, smartConfiguration,
} from './metadata.mjs';

export const FHIR_PATH = '/PatientAccess/v1-devportal';

const COUNT_MAX = 1000;

function outcome(status, code, diagnostics) {
  return {
    status,
    resource: {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code, diagnostics }],
    },
  };
}

const ok = (resource) => ({ status: 200, resource });

// The reply for an id that does not exist or belongs to another member.
const unknown = (type, id) => outcome(
  500, 'processing', `HAPI-2001: Resource ${type}/${id} is not known`);

function countOf(query, initial) {
  const count = Number(query.get('_count'));
  return Number.isInteger(count) && count > 0 && count <= COUNT_MAX
    ? count : initial;
}

export class FhirServer {
  #issuer;
  #endpoints;
  #findAccessToken;
  #members;
  #modes;
  #record;
  #data = new Data();
  #bundles;

  constructor({ base, issuer, authorization, members, modes, record }) {
    this.#issuer = issuer;
    this.#endpoints = authorization.endpoints;
    this.#findAccessToken = authorization.findAccessToken;
    this.#members = members;
    this.#modes = modes;
    this.#record = record;
    this.#bundles = new Bundles(base);
  }

  async handle(request, response) {
    const url = new URL(request.url, 'https://localhost');
    const open = this.#openReply(url);
    if (open) {
      await this.#answerOpenly(response, open);
      return;
    }

    const token = await this.#bearer(request);
    const member = token && this.#members.get(token.accountId);
    const clientId = token?.clientId;
    const leave = this.#record.fhir(request, clientId, member?.username);
    const call = { url, query: url.searchParams, member, clientId,
                   linkMode: this.#modes.get('fhir_links', clientId),
                   pageSize: this.#modes.get('fhir_page_size', clientId) };
    let end = 'error';
    try {
      end = await this.#answer(request, response, call);
    } finally {
      leave(end);
    }
  }

  #openReply({ pathname }) {
    switch (pathname) {
      case `${FHIR_PATH}/metadata`:
        return () => capabilityStatement(this.#endpoints);
      case `${FHIR_PATH}/.well-known/smart-configuration`:
        return () => smartConfiguration({
          issuer: this.#issuer, endpoints: this.#endpoints, scopes: SCOPES,
          modes: this.#modes,
        });
      default:
        return undefined;
    }
  }

  async #answerOpenly(response, make) {
    this.#record.simple('metadata', 'requests');
    await this.#withFault(response, 'metadata', undefined,
                          () => ({
                            ...this.#reply(ok(make())),
                            ...this.#modes.get('smart_configuration_reply'),
                          }));
  }

  async #bearer({ headers }) {
    const [, token] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')
      ?? [];
    return token && this.#findAccessToken(token);
  }

  async #answer(request, response, call) {
    return this.#withFault(response, 'fhir', call.clientId, () => {
      const result = request.method === 'GET' || request.method === 'HEAD'
        ? this.#result(call)
        : outcome(405, 'not-supported', 'This API is read only.');
      return this.#reply(result, call.clientId);
    });
  }

  // Returns the result for the record of requests: the status, "closed", or the
  // fault.
  async #withFault(response, endpoint, clientId, act) {
    const fault = this.#modes.takeFault(endpoint, clientId);
    const reply = !fault || isProcessed(fault) ? act() : null;

    await sleep(this.#modes.get(`${endpoint}_delay_ms`, clientId));
    if (response.destroyed) {
      return 'closed';
    }
    if (fault) {
      await showFault(fault, response, reply, { isFhir: true });
      return `fault ${fault.kind}`;
    }
    if (reply.status === 401) {
      refuse(this.#modes.get('fhir_refusal', clientId), response, reply);
    } else {
      send(response, reply);
    }
    return reply.status;
  }

  #reply({ status, resource, body }, clientId) {
    return {
      status,
      type: 'application/json',
      headers: {
        'Cache-Control': 'no-store, no-cache',
        ...(status === 401 && {
          'WWW-Authenticate': 'Bearer error="invalid_token"',
        }),
        ...(this.#modes.get('fhir_set_cookie', clientId) === 'on' && {
          'Set-Cookie': 'fhirsession=set-by-the-fhir-server; Path=/',
        }),
      },
      body: body ?? JSON.stringify(resource),
    };
  }

  #result(call) {
    if (!call.member) {
      return outcome(401, 'login', 'The access token is not valid.');
    }
    if (!call.url.pathname.startsWith(FHIR_PATH)) {
      return outcome(404, 'not-found', 'There is no such path.');
    }
    const [type = '', id, operation, ...rest] = call.url.pathname
      .slice(FHIR_PATH.length).split('/').slice(1).map(decodeURIComponent);

    if (rest.length > 0) {
      return outcome(400, 'not-supported', 'There is no such path.');
    }
    if (type === '') {
      return this.#nextPage(call);
    }
    if (type === '$userinfo') {
      return this.#userinfo(call);
    }
    if (type === '$sized') {
      return this.#sized(call);
    }
    if (!isSupported(type)) {
      return outcome(400, 'not-supported', `HAPI-0302: Unknown resource type`
        + ` '${type}'`);
    }
    if (operation === '$everything' && type === 'Patient') {
      return this.#everything(call, id);
    }
    if (operation !== undefined) {
      return outcome(400, 'not-supported', `Unknown operation ${operation}`);
    }
    return id === undefined ? this.#search(call, type)
      : this.#read(call, type, id);
  }

  #userinfo({ member }) {
    return ok({
      resourceType: 'Parameters',
      parameter: [{ name: 'Patient', valueString: member.userinfoId }],
    });
  }

  #sized({ query }) {
    const body = sizedBundle(Number(query.get('bytes')));
    return body ? { status: 200, body }
      : outcome(400, 'value', `bytes must be at least ${SIZED_MIN}`);
  }

  #read({ member }, type, id) {
    const resource = this.#data.find(member, type, id);
    return resource ? ok(resource) : unknown(type, id);
  }

  #search(call, type) {
    const { member, query, url } = call;
    const known = searchParameters(type);
    const strange = [...query.keys()].find((name) => !known.includes(name));
    if (strange !== undefined) {
      return outcome(400, 'not-supported', `HAPI-0524: Unknown search`
        + ` parameter "${strange}" for resource type "${type}"`);
    }
    return this.#bundle(call, this.#matching(member, type, query),
                        type + url.search);
  }

  #matching(member, type, query) {
    const id = query.get('_id');
    const patient = query.get('patient')?.replace(/^Patient\//, '');

    if (patient !== undefined && !member.patients.includes(patient)) {
      return [];
    }
    const all = this.#data.list(member, type);
    // the id of the master Patient stands for all Patients that it links to
    return id === null || (type === 'Patient' && id === member.master)
      ? all : all.filter((resource) => id.split(',').includes(resource.id));
  }

  #everything(call, id) {
    const { member } = call;
    return member.patients.includes(id)
      ? this.#bundle(call, this.#data.everything(member),
                     `Patient/${id}/$everything`)
      : unknown('Patient', id);
  }

  #bundle({ member, query, linkMode, pageSize }, resources, self) {
    return ok(this.#bundles.start({
      member, self, resources, linkMode, count: countOf(query, pageSize),
    }));
  }

  #nextPage({ member, query, linkMode, pageSize }) {
    const id = query.get('_getpages');
    const offset = Number(query.get('_getpagesoffset') ?? 0);
    if (id === null || !Number.isInteger(offset) || offset < 0) {
      return outcome(400, 'not-supported', 'The request names no page.');
    }
    const bundle = this.#bundles.resume({
      id, member, offset, linkMode, count: countOf(query, pageSize),
    });
    return bundle ? ok(bundle)
      : outcome(410, 'deleted', `HAPI-0417: Search ID "${id}" does not exist`);
  }
}

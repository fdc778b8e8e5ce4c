// Fetches the data of the home page through the gateway.  The browser sends
// only the app's session cookie.  The gateway finds the member and adds the
// token.

const PAGE_LENGTH = 10;
const FHIR = '/fhir/';

const $ = (id) => document.getElementById(id);

const dollars = new Intl.NumberFormat('en-US', { style: 'currency',
                                                 currency: 'USD' });
const days = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium',
                                                timeZone: 'UTC' });

const money = (value) => (value === undefined ? '—' : dollars.format(value));
const day = (text) => (text ? days.format(new Date(text.slice(0, 10))) : '—');

function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, value);
  }
  made.append(...(text === undefined ? children : [text]));
  return made;
}

// Messages for errors

const CONDITIONS = {
  401: ['Your connection has ended', 'Please connect your Cigna plan again.'],
  429: ['That was too fast', 'Please wait a moment, then try again.'],
  503: ['Cigna cannot be reached right now', 'Please try again shortly.'],
};
const UNEXPECTED = ['Something did not work', 'Please try again.'];

class GatewayError extends Error {
  constructor(status, retryAfter) {
    super(`status ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get words() {
    const [title, text] = CONDITIONS[this.status] ?? UNEXPECTED;
    return [title, this.retryAfter > 1
      ? `Please try again in ${this.retryAfter} seconds.` : text];
  }
}

function showTrouble(error) {
  const [title, text] = error instanceof GatewayError ? error.words
    : UNEXPECTED;
  const trouble = $('trouble');
  trouble.querySelector('strong').textContent = title;
  trouble.querySelector('span').textContent = text;
  trouble.hidden = false;
  $('connect').hidden = error.status !== 401;
  $('plan').hidden = error.status === 401 || $('claims').children.length === 0;
}

async function fetchJson(url) {
  const response = await fetch(url, {
    headers: { Accept: 'application/fhir+json, application/json' },
  });
  if (!response.ok) {
    throw new GatewayError(response.status,
                           Number(response.headers.get('Retry-After')));
  }
  return response.json();
}

const resourcesOf = ({ entry = [] }) => entry.map(({ resource }) => resource);

// Coverage and people

function planCard({ type, period, subscriberId, payor, class: classes = [] }) {
  const plan = classes.find((one) => one.type.coding[0].code === 'plan');
  const facts = [
    ['Member ID', subscriberId],
    ['Insurer', payor[0].display],
    ['Covered', `${day(period.start)} – ${day(period.end)}`],
  ];
  return element('article', { class: 'card plan' },
    element('div', { class: 'kind', text: type.text }),
    element('h3', { text: plan?.name ?? 'Health plan' }),
    element('dl', {}, ...facts.flatMap(([name, value]) =>
      [element('dt', { text: name }), element('dd', { text: value })])));
}

function personChip({ id, name: [{ given, family }] }) {
  return element('span', { class: 'person' },
    `${given.join(' ')} ${family}`, element('code', { text: id }));
}

// Claims

const COLUMNS = ['Date', 'Provider', 'Service', 'Billed', 'Plan paid',
                 'Your share'];
const SHARES = ['line_coinsrnc_amt', 'line_bene_ptb_ddctbl_amt'];

// Many claims begin with the same visit, so another service is shown if there
// is one.
function serviceOf({ item = [] }) {
  const names = item.map(({ productOrService }) => productOrService.text
    .replace(/ \((procedure|disorder)\)$/, ''));
  const main = names.find((name) => !name.startsWith('Encounter for'))
    ?? names[0] ?? '—';
  return { main: main[0].toUpperCase() + main.slice(1),
           more: names.length - 1 };
}

function shareOf({ item = [] }) {
  const amounts = item.flatMap(({ adjudication = [] }) => adjudication)
    .filter(({ category, amount }) => amount && SHARES.some((share) =>
      category.coding[0].code.endsWith(share)))
    .map(({ amount }) => amount.value);
  return amounts.length > 0 ? amounts.reduce((a, b) => a + b) : undefined;
}

function cell(column, attributes, ...children) {
  return element('td', { 'data-label': column, ...attributes },
                 element('span', {}, ...children));
}

function claimRow(claim) {
  const { main, more } = serviceOf(claim);
  const submitted = claim.total?.find(({ category }) =>
    category.coding[0].code === 'submitted');
  const amounts = [submitted?.amount.value, claim.payment?.amount.value,
                   shareOf(claim)];
  return element('tr', { 'data-claim': claim.id },
    cell('Date', { class: 'date' }, day(claim.created)),
    cell('Provider', {}, claim.provider.display),
    cell('Service', {}, main,
         ...(more > 0 ? [element('small', { text: `and ${more} more` })] : [])),
    ...amounts.map((amount, i) =>
      cell(COLUMNS[i + 3], { class: 'money' }, money(amount))));
}

function claimsTable(claims) {
  const head = COLUMNS.map((text, i) => element('th', {
    text, scope: 'col', ...(i > 2 && { class: 'money' }),
  }));
  return element('table', {},
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...claims.map(claimRow)));
}

// Returns the URL of another page of the Bundle, at the gateway, or undefined.
// The Bundle's link may name a host of Cigna, so only its query is used.
function pageLink({ link = [] }, relation) {
  const found = link.find((one) => one.relation === relation);
  return found && FHIR + new URL(found.url).search;
}

function offsetOf(bundle) {
  const next = pageLink(bundle, 'next');
  const from = next && new URLSearchParams(next.split('?')[1])
    .get('_getpagesoffset');
  return from ? Number(from) - bundle.entry.length
    : bundle.total - (bundle.entry?.length ?? 0);
}

function showClaims(bundle) {
  const claims = resourcesOf(bundle);
  const first = offsetOf(bundle) + 1;

  $('claims').replaceChildren(claims.length > 0 ? claimsTable(claims)
    : element('p', { class: 'muted', text: 'No claims yet.' }));
  $('range').textContent = `${first}–${first + claims.length - 1} of `
    + bundle.total;
  for (const [id, relation] of [['older', 'next'], ['newer', 'previous']]) {
    const url = pageLink(bundle, relation);
    $(id).disabled = !url;
    $(id).onclick = () => tell(async () => showClaims(await fetchJson(url)));
  }
}

// The page as a whole

async function tell(action) {
  $('trouble').hidden = true;
  try {
    await action();
  } catch (error) {
    showTrouble(error);
  } finally {
    $('loading').hidden = true;
  }
}

async function showPlan() {
  const [coverage, patients, claims] = await Promise.all([
    fetchJson(`${FHIR}Coverage`),
    fetchJson(`${FHIR}Patient`),
    fetchJson(`${FHIR}ExplanationOfBenefit?_count=${PAGE_LENGTH}`),
  ]);
  $('coverage').replaceChildren(...resourcesOf(coverage).map(planCard));
  $('people').replaceChildren(...resourcesOf(patients).map(personChip));
  showClaims(claims);
  $('plan').hidden = false;
}

async function show() {
  const { connected } = await fetchJson('/cigna/status');
  $('connect').hidden = connected;
  if (connected) {
    await showPlan();
  }
}

// The page has shown the outcome, and a reload must not show it again.
if (location.search) {
  history.replaceState(null, '', '/');
}
$('again').onclick = () => tell(show);
tell(show);

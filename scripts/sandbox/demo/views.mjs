// The app's pages.

import { escapeHtml } from '../pages.mjs';

function mark({ mark: path }) {
  return `<svg viewBox="0 0 24 24" width="30" height="30" aria-hidden="true"
 fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"
 stroke-linejoin="round"><path d="${path}"/></svg>`;
}

function account(user) {
  return user ? `
<div class="account"><span>${escapeHtml(user.name)}</span>
<form method="post" action="/sign-out">
<button class="quiet" type="submit">Sign out</button></form></div>` : '';
}

function layout({ brand, user, title, content, script = '' }) {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)} · ${escapeHtml(brand.name)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/colors.css">
<link rel="stylesheet" href="/assets/style.css">
${script}</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="wrap">
<a class="brand" href="/">${mark(brand)}
<span>${escapeHtml(brand.name)}</span></a>
${account(user)}
</div></header>
<main id="main" class="wrap">
${content}
</main>
<footer class="wrap"><p>${escapeHtml(brand.name)} is a demonstration. All
people and claims are synthetic.</p></footer>
</body>
</html>
`;
}

export function colors({ colors: { brand, strong, soft, page } }) {
  return `:root { --brand: ${brand}; --strong: ${strong}; --soft: ${soft};`
    + ` --page: ${page}; }\n`;
}

export function signInPage({ brand, email = '', message }) {
  return layout({ brand, title: 'Sign in', content: `
<section class="card narrow">
<h1>Sign in</h1>
<p class="muted">${escapeHtml(brand.tagline)}.</p>
${message ? `<p class="banner problem" role="alert">${escapeHtml(message)}</p>`
    : ''}
<form method="post" action="/sign-in">
<label>Email
<input type="email" name="email" value="${escapeHtml(email)}"
 autocomplete="username" required autofocus></label>
<label>Password
<input type="password" name="password" autocomplete="current-password"
 required></label>
<button class="primary wide" type="submit">Sign in</button>
</form>
</section>` });
}

function banner({ tone, title, text }, reference) {
  return `
<div class="banner ${tone}" role="${tone === 'problem' ? 'alert' : 'status'}"
 id="outcome">
<strong>${escapeHtml(title)}</strong> <span>${escapeHtml(text)}</span>
${tone === 'problem' && reference
    ? `<small>Reference: <code>${escapeHtml(reference)}</code></small>` : ''}
</div>`;
}

const CONNECT = `
<section class="card hero" id="connect" hidden>
<div>
<h1>See your claims and coverage in one place</h1>
<p>Connect your Cigna plan to see your Cigna health records here.</p>
<p><a class="button primary" href="/cigna/connect">Connect your Cigna plan</a>
</p>
</div>
<ul class="ticks">
<li>You sign in at Cigna. We never see your password.</li>
<li>We can only read, never change anything.</li>
<li>You can disconnect at any time.</li>
</ul>
</section>`;

const PLAN = `
<div id="plan" hidden>
<div class="heading"><h1>Your Cigna plan</h1>
<span class="chip">Connected</span></div>

<section aria-labelledby="coverage-title">
<h2 id="coverage-title">Coverage</h2>
<div class="cards" id="coverage" aria-live="polite"></div>
</section>

<section aria-labelledby="people-title">
<h2 id="people-title">How Cigna knows you</h2>
<div class="people" id="people" aria-live="polite"></div>
</section>

<section aria-labelledby="claims-title">
<h2 id="claims-title">Claims</h2>
<div class="card flush" id="claims" aria-live="polite"></div>
<nav class="pager" aria-label="Pages of claims">
<button type="button" class="quiet" id="newer" disabled>← Newer</button>
<span id="range" class="muted"></span>
<button type="button" class="quiet" id="older" disabled>Older →</button>
</nav>
</section>

<section class="card footing">
<div><h2>Disconnect</h2>
<p class="muted">We forget your connection and tell Cigna to end it.</p></div>
<form method="post" action="/cigna/disconnect">
<button class="danger" type="submit">Disconnect Cigna</button></form>
</section>
</div>`;

export function homePage({ brand, user, outcome, reference }) {
  return layout({
    brand, user, title: 'Home',
    script: '<script type="module" src="/assets/home.js"></script>\n',
    content: `
${outcome ? banner(outcome, reference) : ''}
<div class="banner problem" role="alert" id="trouble" hidden>
<strong></strong> <span></span>
<p class="actions"><button type="button" class="quiet" id="again">Try
again</button></p>
</div>
<p class="muted" id="loading">Checking your connection …</p>
${CONNECT}
${PLAN}
<noscript><p class="banner notice">Please allow JavaScript. This page needs it
to fetch your claims.</p></noscript>`,
  });
}

export function notFoundPage({ brand, user }) {
  return layout({ brand, user, title: 'Not found', content: `
<section class="card narrow"><h1>There is no such page</h1>
<p><a href="/">Back to the start</a></p></section>` });
}

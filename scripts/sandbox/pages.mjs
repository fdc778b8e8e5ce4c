// The HTML pages of the stand-in.

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;',
                  '\'': '&#39;' };

export const escapeHtml = (text) => String(text)
  .replace(/[&<>"']/g, (character) => escapes[character]);

const STYLE = `
  :root { color-scheme: light; --blue: #0033a0; --edge: #c8ced8; }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; background: #eef2f7; color: #1d2733;
         font: 16px/1.5 system-ui, sans-serif; }
  header { background: #fff; border-bottom: 4px solid var(--blue);
           padding: 1rem 1.5rem; font-weight: 700; color: var(--blue); }
  header small { color: #5a6675; font-weight: 400; margin-left: .5rem; }
  main { max-width: 26rem; margin: 2.5rem auto; padding: 2rem;
         background: #fff; border: 1px solid var(--edge);
         border-radius: 10px; }
  h1 { font-size: 1.35rem; margin: 0 0 1rem; }
  label { display: block; margin: 0 0 1rem; }
  label.check { display: flex; gap: .6rem; align-items: flex-start; }
  input[type=text], input[type=password] { display: block; width: 100%;
    margin-top: .25rem; padding: .6rem; font: inherit;
    border: 1px solid #8592a3; border-radius: 6px; }
  button { font: inherit; padding: .6rem 1.1rem; border-radius: 6px;
           border: 1px solid var(--blue); cursor: pointer; }
  button.main { background: var(--blue); color: #fff; }
  button.other { background: #fff; color: var(--blue); }
  .row { display: flex; gap: .75rem; }
  .alert { background: #fdecea; border-left: 4px solid #b3261e;
           padding: .6rem .8rem; margin: 0 0 1rem; }
  .terms { background: #f5f7fb; border-radius: 6px; margin: 0 0 1rem;
           padding: .1rem .9rem; font-size: .92rem; }`;

function page(title, content) {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>myCigna <small>sandbox stand-in</small></header>
<main>
${content}
</main>
</body>
</html>
`;
}

const alert = (text) => (text
  ? `<p class="alert" role="alert">${escapeHtml(text)}</p>` : '');

export const loginPage = ({ action, message }) => page('myCigna - Auth Flow', `
<h1>Log in to myCigna</h1>
${alert(message)}
<form method="post" action="${escapeHtml(action)}">
<label>Username
<input type="text" name="username" autocomplete="username" required></label>
<label>Password
<input type="password" name="password" autocomplete="current-password"
 required></label>
<div class="row">
<button class="main" type="submit" name="step" value="login">Log in</button>
<button class="other" type="submit" name="step" value="cancel"
 formnovalidate>Cancel</button>
</div>
</form>`);

export const termsPage = ({ action, client, scopes, message }) =>
  page('myCigna - Auth Flow', `
<h1>Share your health information</h1>
${alert(message)}
<div class="terms">
<p><strong>${escapeHtml(client)}</strong> asks to read your claims, coverage
and clinical data.</p>
<p>Scopes: <code>${escapeHtml(scopes)}</code></p>
</div>
<form method="post" action="${escapeHtml(action)}">
<label class="check"><input type="checkbox" name="termsAccept" value="true">
<span>I have read the terms, and I want to share my information.</span></label>
<div class="row">
<button class="main" type="submit" name="step" value="terms">Continue</button>
<button class="other" type="submit" name="step" value="cancel">Cancel</button>
</div>
</form>`);

export const errorPage = ({ code, message }) => page('myCigna - Error', `
<h1>We cannot complete your request</h1>
${alert(`${code} ${message}`)}
<p>Close this window and start again from the application.</p>`);

// Passkeys: asks the console for a challenge, the browser for an answer, and brings it back.
// Without this file, or in a browser that has no passkeys, the forms with a password still work.

const decode = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
};

const encode = (buffer) => {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const named = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

const understood = (options) => ({
  ...options,
  challenge: decode(options.challenge),
  ...(options.user && { user: { ...options.user, id: decode(options.user.id) } }),
  ...(options.excludeCredentials && { excludeCredentials: named(options.excludeCredentials) }),
  ...(options.allowCredentials && { allowCredentials: named(options.allowCredentials) }),
});

const written = (credential) => {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = encode(credential.response[part]);
  }
  return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response };
};

class Refusal extends Error {}

const send = async (form, address, body) => {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        "x-csrf-token": form.dataset.csrf,
      },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refusal("unreachable");
  }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(told.refusal ?? "unreachable");
  return told;
};

const rite = async (form) => {
  const [path, query] = form.dataset.action.split("?");
  const { challenge, options } = await send(form, `${path}/options`, {});
  let credential;
  try {
    credential = await navigator.credentials[form.dataset.passkey]({ publicKey: understood(options) });
  } catch {
    throw new Refusal("cancelled");
  }
  const { to } = await send(form, query ? `${path}?${query}` : path, {
    challenge,
    credential: written(credential),
  });
  location.assign(to);
};

const say = (form, why) => {
  for (const one of form.querySelectorAll("[data-says]")) one.hidden = one.dataset.says !== why;
};

if (window.PublicKeyCredential) {
  for (const hint of document.querySelectorAll("[data-without-passkey]")) hint.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      say(form, "");
      try {
        await rite(form);
      } catch (error) {
        say(form, error instanceof Refusal ? error.message : "refused");
        button.disabled = false;
        button.focus();
      }
    });
  }
}

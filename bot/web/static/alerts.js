// Rings this browser also while it is closed, if its owner wants that.

const WORKER = "/worker.js";
const box = document.getElementById("alerts");

// The one address that may become a script here.
const policy = globalThis.trustedTypes?.createPolicy("worker", {
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError("no worker of ours");
    return address;
  },
});

const tell = async (way, body) => {
  const response = await fetch(`/alerts/${way}`, {
    method: "POST",
    headers: { accept: "application/json", "x-csrf-token": box.dataset.csrf },
    body: new URLSearchParams(body),
  });
  if (!response.ok) throw new Error("refused");
};

const show = (state) => {
  for (const one of box.querySelectorAll("[data-when]")) one.hidden = !one.dataset.when.split(" ").includes(state);
};

const on = async () => {
  if ((await Notification.requestPermission()) !== "granted") return "refused";
  await navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER);
  const { pushManager } = await navigator.serviceWorker.ready;
  // One made under an earlier key would not ring.
  await (await pushManager.getSubscription())?.unsubscribe();
  const { endpoint } = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: box.dataset.key });
  await tell("on", { endpoint });
  return "on";
};

const off = async () => {
  await tell("off");
  const ours = await navigator.serviceWorker.getRegistration();
  await (await ours?.pushManager.getSubscription())?.unsubscribe();
  return "off";
};

const doing = async (what) => {
  try {
    show(await what());
  } catch {
    show("refused");
  }
};

if (box && "PushManager" in window && "serviceWorker" in navigator) {
  box.querySelector("[data-turn-on]").addEventListener("click", () => doing(on));
  box.querySelector("[data-turn-off]").addEventListener("click", () => doing(off));
  box.hidden = false;
}

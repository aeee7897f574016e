// Shows that Havn rang and leads to where its owner begins: the queue, or the content desk. It says nothing else and keeps nothing.

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  event.waitUntil(self.registration.showNotification("Havn", { tag: "havn", renotify: true }));
});

const open = async () => {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const first = pages.find((page) => ["/queue", "/content"].includes(new URL(page.url).pathname));
  return first ? first.focus() : self.clients.openWindow("/");
};

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

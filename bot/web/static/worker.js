// Shows that Havn rang and leads to the queue. It says nothing else and keeps nothing.

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  event.waitUntil(self.registration.showNotification("Havn", { tag: "havn", renotify: true }));
});

const open = async () => {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const queue = pages.find((page) => new URL(page.url).pathname === "/queue");
  return queue ? queue.focus() : self.clients.openWindow("/queue");
};

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

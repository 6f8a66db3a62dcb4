/** Shows what the server pushes to this browser; a click opens the alerts. */
self.addEventListener("push", (event) => {
  const { title, text, triggerId } = event.data.json();
  // The same trigger, pushed again, takes the place of the first.
  event.waitUntil(
    self.registration.showNotification(title, { body: text, tag: triggerId, icon: "/icon.svg" }),
  );
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow("/alerts"));
});

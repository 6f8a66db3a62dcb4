import { api } from "../../api.ts";

const bytesOf = (base64url: string) =>
  Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const textOf = (bytes: ArrayBuffer | null) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Pushes need a page served over https, or of this machine. */
export const canPush = () => "serviceWorker" in navigator && "PushManager" in window;

/** Subscribes this browser and makes a channel of it. Throws why it cannot. */
export async function addThisBrowser(name: string): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error("The browser does not let this page show notifications; allow them in its settings.");
  const registration = await navigator.serviceWorker.register("/push-worker.js");
  await navigator.serviceWorker.ready;
  const { publicKey } = await api.call("getPushKey", {});
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytesOf(publicKey),
  });
  const keys = {
    p256dh: textOf(subscription.getKey("p256dh")),
    auth: textOf(subscription.getKey("auth")),
  };
  await api.call("createChannel", {
    body: { name, settings: { kind: "push", endpoint: subscription.endpoint, keys } },
  });
}

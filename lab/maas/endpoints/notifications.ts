import { type Answer, answer, deleted, json, notFound } from "../answers.ts";
import { adminMethod, type Call, idIn, type Resource } from "../resource.ts";
import type { Notification } from "../state.ts";

/*
 * maasserver/api/notification.py. Every user sees all of them, because all notifications of the stand-in come from MAAS.
 */

interface Dismissal {
  readonly notification: number;
  readonly username: string;
}

export const notificationResources: readonly Resource[] = [
  {
    path: "notifications/",
    access: "users",
    GET: (call) => json(shownTo(call).map(shown)),
  },
  {
    path: "notifications/{id}/",
    access: "users",
    GET: (call) => json(shown(notificationOf(call))),
    DELETE: adminMethod((call) => {
      call.maas.unnotify(notificationOf(call).ident);
      return deleted;
    }),
    operations: { POST: { dismiss } },
  },
];

/** The notifications that a user has not dismissed. */
function shownTo({ maas, user }: Call): Notification[] {
  const dismissed = maas.store.table<Dismissal>("dismissals");
  return maas.store.state.notifications.filter(
    ({ id }) => !dismissed.some((one) => one.notification === id && one.username === user?.username),
  );
}

function dismiss(call: Call): Answer {
  const { id } = notificationOf(call);
  call.maas.store
    .table<Dismissal>("dismissals")
    .push({ notification: id, username: call.user?.username ?? "" });
  return answer(200, "text/plain", "OK");
}

function notificationOf(call: Call): Notification {
  const id = idIn(call);
  const notification = call.maas.store.state.notifications.find((one) => one.id === id);
  if (notification === undefined) throw notFound("Notification");
  return notification;
}

function shown({ id, ident, category, message }: Notification) {
  return {
    id,
    ident,
    user: null,
    users: true,
    admins: true,
    message,
    context: {},
    category,
    dismissable: true,
    resource_uri: `/MAAS/api/2.0/notifications/${id}/`,
  };
}

import { json, notFound } from "../answers.ts";
import type { Call, Resource } from "../resource.ts";
import type { User } from "../state.ts";

/** maasserver/api/users.py, read only. */
export const userResources: readonly Resource[] = [
  {
    path: "users/",
    access: "users",
    GET: ({ maas }) => json(maas.store.state.users.map(shown)),
    operations: { GET: { whoami: ({ user }: Call) => json(user && shown(user)) } },
  },
  {
    path: "users/{username}/",
    access: "users",
    GET: ({ maas, params }) => {
      const user = maas.userNamed(params.username ?? "");
      if (user === undefined) throw notFound("User");
      return json(shown(user));
    },
  },
];

/** A user, in the format that other answers of MAAS use too. */
export function shown({ username, email, isAdmin }: User) {
  return {
    is_superuser: isAdmin,
    username,
    email,
    is_local: true,
    resource_uri: `/MAAS/api/2.0/users/${username}/`,
  };
}

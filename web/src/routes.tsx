/** Which screen stands at which place. Places are in the fragment, so the node serves one page and learns nothing of them. */
import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { ChatScreen } from "./chats/ChatScreen";
import { Shell } from "./shell/Shell";

const root = createRootRoute({ component: Shell });
const at = <P extends string>(path: P) => ({ getParentRoute: () => root, path });
const people = () => import("./people/PeopleScreens");
const settings = () => import("./settings/SettingsScreens");
const groups = () => import("./groups/GroupScreens");

const routes = [
  createRoute({
    ...at("/"),
    beforeLoad: () => {
      throw redirect({ to: "/chats" });
    },
  }),
  createRoute({ ...at("/chats"), component: ChatScreen }),
  createRoute({ ...at("/chats/$id"), component: ChatScreen }),
  createRoute({ ...at("/new"), component: lazyRouteComponent(people, "NewChat") }),
  createRoute({ ...at("/requests"), component: lazyRouteComponent(people, "Requests") }),
  createRoute({ ...at("/contacts"), component: lazyRouteComponent(people, "Contacts") }),
  createRoute({ ...at("/contacts/$who"), component: lazyRouteComponent(people, "Contact") }),
  createRoute({ ...at("/contacts/$who/verify"), component: lazyRouteComponent(people, "Verify") }),
  createRoute({ ...at("/groups/new"), component: lazyRouteComponent(groups, "NewGroup") }),
  createRoute({ ...at("/groups/$id"), component: lazyRouteComponent(groups, "GroupInfo") }),
  createRoute({ ...at("/settings"), component: lazyRouteComponent(settings, "Settings") }),
  createRoute({ ...at("/settings/devices"), component: lazyRouteComponent(settings, "Devices") }),
  createRoute({ ...at("/settings/backups"), component: lazyRouteComponent(settings, "Backups") }),
  createRoute({ ...at("/settings/words"), component: lazyRouteComponent(settings, "RecoveryWords") }),
  createRoute({ ...at("/settings/health"), component: lazyRouteComponent(settings, "Health") }),
  createRoute({ ...at("/settings/account"), component: lazyRouteComponent(settings, "AddAccount") }),
];

export const router = createRouter({ routeTree: root.addChildren(routes), history: createHashHistory(), defaultPreload: false });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

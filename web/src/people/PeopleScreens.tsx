/** The screens about people, loaded together when the first of them is opened. */
export { Contact } from "./Contact";
export { Contacts } from "./Contacts";
export { NewChat } from "./NewChat";
export { Requests } from "./Requests";
export { Verify } from "./Verify";

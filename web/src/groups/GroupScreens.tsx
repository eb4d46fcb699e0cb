/** The screens about groups, loaded together when the first of them is opened. */
export { GroupInfo } from "./GroupInfo";
export { NewGroup } from "./NewGroup";

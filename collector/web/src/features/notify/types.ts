/** Shapes of the API that the pages of notifications use. */
import type { components } from "../../api.gen";

type Schemas = components["schemas"];

export type Channel = Schemas["Channel"];
export type ChannelChange = Schemas["ChannelChange"];
export type ChannelKind = Schemas["ChannelKind"];
export type ChannelMade = Schemas["ChannelMade"];
export type Delivery = Schemas["Delivery"];
export type DeliveryAttempt = Schemas["DeliveryAttempt"];
export type DeliveryState = Schemas["DeliveryState"];
export type NewChannel = Schemas["NewChannelBody"];
export type NewRoute = Schemas["NewRouteBody"];
export type Route = Schemas["Route"];
export type Severity = Schemas["LeastSeverity"];

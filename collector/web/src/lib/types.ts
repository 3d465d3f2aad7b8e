// Names for the schema types the pages use; the shapes themselves are generated.
import type { components } from "../api.gen";

type Schemas = components["schemas"];

export type Adopted = Schemas["Adopted"];
export type Agent = Schemas["Agent"] & DeliveryOfAgent;
export type AgentNetwork = Schemas["AgentNetwork"];
export type Alert = Schemas["Alert"];
export type AlertAct = Schemas["AlertAct"];
export type AlertDetail = Schemas["AlertDetail"];
export type AlertHappened = Schemas["AlertHappened"];
export type AlertOutcome = Schemas["AlertOutcome"];
export type ApiKey = Schemas["ApiKey"];
export type AuditRow = Schemas["AuditRow"];
export type Cause = Schemas["Cause"];
export type CreatedApiKey = Schemas["CreatedApiKey"];
export type CredentialProfile = Schemas["CredentialProfile"];
export type Delivery = Schemas["Delivery"];
export type Device = Schemas["Device"];
export type DeviceDetail = Schemas["DeviceDetail"];
export type Facts = Schemas["Facts"];
export type Found = Schemas["CredentialsTried"];
export type Gap = Schemas["Gap"];
export type Grant = Schemas["Grant"];
export type Icmp = Schemas["Icmp"];
export type Imported = Schemas["Imported"];
export type ImportRow = Schemas["ImportRow"];
export type Interface = Schemas["Interface"];
export type Me = Schemas["Me"];
export type MetricInfo = Schemas["MetricInfo"];
export type DeviceObject = Schemas["HardwareObject"];
export type NewDevice = Schemas["NewDevice"];
export type Person = Schemas["Person"];
export type Polled = Schemas["Polled"];
export type Problem = Schemas["Problem"];
export type Quota = Schemas["Quota"];
export type Rule = Schemas["Rule"];
export type RuleCondition = Schemas["RuleCondition"];
export type RuleMetric = Schemas["RuleMetric"];
export type RulePreview = Schemas["RulePreview"];
export type RuleScope = Schemas["RuleScope"];
export type RuleThing = Schemas["RuleThing"];
export type Scan = Schemas["Scan"];
export type ScanDetail = Schemas["ScanDetail"];
export type ScanHost = Schemas["ScanHost"];
export type Scope = Schemas["Scope"];
export type Screen = Schemas["Screen"];
export type ScreenBody = Schemas["ScreenBody"];
export type CreatedScreen = Schemas["CreatedScreen"];
export type Series = Schemas["Series"];
export type SeriesSet = Schemas["SeriesSet"];
export type Session = Schemas["Session"];
export type NewSnmpUser = Schemas["NewSnmpUser"];
export type NewSshLogin = Schemas["NewSshLogin"];
export type SnmpAuth = Schemas["SnmpAuth"];
export type SnmpPoll = Schemas["SnmpPoll"];
export type Site = Schemas["Site"];
export type SnmpPrivacy = Schemas["SnmpPrivacy"];
export type SnmpUser = Schemas["SnmpUser"];
export type SnmpVersion = Schemas["SnmpVersion"];
export type SshLogin = Schemas["SshLogin"];
export type State = Schemas["State"];
export type Tenant = Schemas["Tenant"];
export type Token = Schemas["Token"];
export type TokenInfo = Schemas["TokenInfo"];

export type View = Schemas["View"];
export type ViewKind = Schemas["ViewKind"];
export type Wall = Schemas["Wall"];
/** A list as a person has narrowed and ordered it, by a name of their own. */
export type SavedView = Schemas["SavedView"];

export type HelloEvent = Schemas["HelloEvent"];
export type DevicesEvent = Schemas["DevicesEvent"];
export type InterfacesEvent = Schemas["InterfacesEvent"];
export type AgentsEvent = Schemas["AgentsEvent"];

/** What the agent sends of what it kept, since it began to. */
export interface Backfill {
  began_at: string | null;
  batches_at_start: number;
  oldest_at_start: string | null;
}

/** Gaps, and what those of them hold that were counted. */
export interface Lost {
  gaps: number;
  samples: number;
}

/** What was lost of one class for one reason. */
export interface Losses {
  class: string;
  reason: string;
  from: string;
  to: string;
  day: Lost;
  week: Lost;
  ever: Lost;
}

/** A session that opened, went on from another address, or ended. */
export interface AgentLink {
  at: string;
  event: string;
  transport: string;
  remote_addr: string;
  reason: string | null;
}

/** How well what an agent measures gets here; older collectors tell nothing of it. */
export interface DeliveryOfAgent {
  backfill?: Backfill | null;
  /** What was lost for good in the last 24 hours. */
  lost_24h?: Lost;
  /** What is to be added to its times to make them the collector's. */
  clock_offset_ms?: number | null;
}
export type AlertsEvent = Schemas["AlertsEvent"];

// Names for the schema types the pages use; the shapes themselves are generated.
import type { components } from "../api.gen";

type Schemas = components["schemas"];

export type Agent = Schemas["Agent"];
export type ApiKey = Schemas["ApiKey"];
export type AuditRow = Schemas["AuditRow"];
export type Cause = Schemas["Cause"];
export type CreatedApiKey = Schemas["CreatedApiKey"];
export type CredentialProfile = Schemas["CredentialProfile"];
export type Device = Schemas["Device"];
export type DeviceDetail = Schemas["DeviceDetail"];
export type Facts = Schemas["Facts"];
export type Found = Schemas["CredentialsTried"];
export type Grant = Schemas["Grant"];
export type Icmp = Schemas["Icmp"];
export type Interface = Schemas["Interface"];
export type Me = Schemas["Me"];
export type MetricInfo = Schemas["MetricInfo"];
export type DeviceObject = Schemas["HardwareObject"];
export type NewDevice = Schemas["NewDevice"];
export type Person = Schemas["Person"];
export type Polled = Schemas["Polled"];
export type Problem = Schemas["Problem"];
export type Quota = Schemas["Quota"];
export type Scope = Schemas["Scope"];
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

export type HelloEvent = Schemas["HelloEvent"];
export type DevicesEvent = Schemas["DevicesEvent"];
export type InterfacesEvent = Schemas["InterfacesEvent"];
export type AgentsEvent = Schemas["AgentsEvent"];

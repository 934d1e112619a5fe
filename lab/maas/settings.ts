import { checkbox, choice, integer, text, url } from "./fields.ts";
import type { Field } from "./forms.ts";
import type { Maas } from "./maas.ts";
import { addresses, domainName, hosts, port } from "./network-fields.ts";
import { usableSeries } from "./usable-images.ts";
import type { VersionName } from "./versions.ts";

/*
 * maasserver/forms/settings.py (CONFIG_ITEMS) and maasserver/models/config.py (get_default_config).
 */

/** One of the settings that the API has. */
interface Setting {
  /** Undefined if the default depends on the release; see `defaultOf`. */
  readonly default?: unknown;
  /** The valid values, and their stored form. */
  readonly field: (maas: Maas) => Field<unknown>;
  /** The releases that have it. Default: all. */
  readonly since?: VersionName;
}

/** All settings, in the order in which MAAS lists them in the error for an unknown setting. */
const settings: Readonly<Record<string, Setting>> = {
  maas_name: words("maas"),
  theme: words(""),
  kernel_opts: words(null),
  enable_http_proxy: flag(true),
  maas_proxy_port: { default: 8000, field: () => port() },
  use_peer_proxy: flag(false),
  prefer_v4_proxy: flag(false),
  http_proxy: { default: null, field: () => url({ required: false }) },
  default_dns_ttl: count(30),
  upstream_dns: { default: null, field: () => addresses() },
  dnssec_validation: choices("dnssec_validation", "auto", ["auto", "yes", "no"], { required: false }),
  maas_internal_domain: { default: "maas-internal", field: () => domainName() },
  dns_trusted_acl: words(null),
  ntp_servers: { default: "ntp.ubuntu.com", field: () => hosts() },
  ntp_external_only: flag(false),
  allow_only_trusted_transfers: flag(true),
  remote_syslog: words(null),
  maas_syslog_port: { default: 5247, field: () => port({ except: 5247 }) },
  network_discovery: choices("network_discovery", "enabled", ["enabled", "disabled"]),
  active_discovery_interval: choices("active_discovery_interval", 10800, [
    "0",
    "604800",
    "86400",
    "43200",
    "21600",
    "10800",
    "3600",
    "1800",
    "600",
  ]),
  default_boot_interface_link_type: words("auto"),
  default_osystem: imported("osystem", (maas) => [...usableSeries(maas).keys()]),
  default_distro_series: imported(
    "release",
    (maas) => usableSeries(maas).get(String(configured(maas, "default_osystem"))) ?? [],
  ),
  default_min_hwe_kernel: words(""),
  enable_kernel_crash_dump: { ...flag(false), since: "3.6" },
  default_storage_layout: words("flat"),
  commissioning_distro_series: imported(
    "commissioning_distro_series",
    (maas) => usableSeries(maas).get("ubuntu") ?? [],
  ),
  enable_third_party_drivers: flag(true),
  windows_kms_host: words(null),
  enable_disk_erasing_on_release: flag(false),
  disk_erase_with_secure_erase: flag(true),
  disk_erase_with_quick_erase: flag(false),
  boot_images_auto_import: flag(true),
  boot_images_no_proxy: flag(false),
  curtin_verbose: flag(true),
  force_v1_network_yaml: flag(false),
  enable_analytics: flag(true),
  completed_intro: flag(false),
  max_node_commissioning_results: count(10),
  max_node_testing_results: count(10),
  max_node_installation_results: count(3),
  max_node_release_results: count(3),
  subnet_ip_exhaustion_threshold_count: count(16),
  release_notifications: flag(true),
  use_rack_proxy: flag(true),
  node_timeout: count(30),
  prometheus_enabled: flag(false),
  prometheus_push_gateway: words(null),
  prometheus_push_interval: count(60),
  promtail_enabled: flag(false),
  promtail_port: { default: 5238, field: () => port() },
  enlist_commissioning: flag(true),
  maas_auto_ipmi_user: words("maas"),
  maas_auto_ipmi_user_privilege_level: words("ADMIN"),
  maas_auto_ipmi_k_g_bmc_key: words(""),
  maas_auto_ipmi_cipher_suite_id: words("3"),
  maas_auto_ipmi_workaround_flags: words(null),
  vcenter_server: words(""),
  vcenter_username: words(""),
  vcenter_password: words(""),
  vcenter_datacenter: words(""),
  hardware_sync_interval: words("15m"),
  tls_cert_expiration_notification_enabled: flag(false),
  tls_cert_expiration_notification_interval: count(30),
  session_length: count(1_209_600),
  auto_vlan_creation: flag(true),
};

/** Old names that are still accepted. */
const aliases: Readonly<Record<string, string>> = { ntp_server: "ntp_servers" };

/** The present name of a setting. */
export function settingName(name: string): string {
  return aliases[name] ?? name;
}

/** The settings of a release, by name. */
export function settingsOf({ version }: Maas): ReadonlyMap<string, Setting> {
  return new Map(
    Object.entries(settings).filter(([, { since }]) => since === undefined || since <= version.name),
  );
}

/**
 * The stored or default value of a setting. This includes `commissioning_osystem`, which the API does not
 * have.
 */
export function configured(maas: Maas, name: string): unknown {
  const stored = maas.store.state.config[name];
  if (stored !== undefined) return stored;
  switch (name) {
    case "default_osystem":
    case "commissioning_osystem":
      return "ubuntu";
    case "default_distro_series":
    case "commissioning_distro_series":
      return maas.version.commissioningSeries;
    default:
      return settings[name]?.default;
  }
}

function flag(byDefault: boolean): Setting {
  return { default: byDefault, field: () => checkbox() };
}

function words(byDefault: string | null): Setting {
  return { default: byDefault, field: () => text({ required: false }) };
}

function count(byDefault: number): Setting {
  return { default: byDefault, field: () => integer({ min: 0 }) };
}

function choices(
  name: string,
  byDefault: unknown,
  allowed: readonly string[],
  options: { readonly required?: boolean } = {},
): Setting {
  return { default: byDefault, field: () => choice(allowed, refusal(name, allowed), options) };
}

/** A setting whose values depend on the imported images. */
function imported(name: string, available: (maas: Maas) => readonly string[]): Setting {
  return {
    field: (maas) => {
      const found = available(maas);
      const allowed = found.length > 0 ? found : ["---"];
      return choice(allowed, refusal(name, allowed));
    },
  };
}

/** `compose_invalid_choice_text` of maasserver/utils/forms.py, with both its spaces. */
function refusal(name: string, allowed: readonly string[]): (value: string) => string {
  const list = allowed.map((value) => `'${value}'`).join(", ");
  return (value) => `'${value}' is not a valid ${name}.  It should be one of: ${list}.`;
}

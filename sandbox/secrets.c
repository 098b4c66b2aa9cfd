#include "sandbox/secrets.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

const char *const secrets_of_homes[] = {
	/* keys and agents */
	".ssh",
	".gnupg",
	".password-store",
	".local/share/keyrings",
	".config/sops",
	".config/age",
	".Xauthority",
	".ICEauthority",
	/* clouds and clusters */
	".aws",
	".azure",
	".boto",
	".s3cfg",
	".config/gcloud",
	".config/doctl",
	".config/hcloud",
	".config/rclone",
	".kube",
	".terraform.d",
	".vault-token",
	/* containers */
	".docker",
	".config/containers",
	".local/share/containers",
	/* code hosting and package registries */
	".config/gh",
	".config/hub",
	".config/glab-cli",
	".config/git/credentials",
	".git-credentials",
	".netrc",
	".npmrc",
	".yarnrc.yml",
	".pypirc",
	".cargo/credentials",
	".cargo/credentials.toml",
	".gem/credentials",
	".m2/settings.xml",
	".m2/settings-security.xml",
	".gradle/gradle.properties",
	".config/composer/auth.json",
	".nuget/NuGet",
	/* databases */
	".pgpass",
	".my.cnf",
	/* what people typed, and browsers */
	".bash_history",
	".zsh_history",
	".local/share/fish",
	".python_history",
	".mozilla",
	".thunderbird",
	".config/google-chrome",
	".config/chromium",
	".config/BraveSoftware",
	".local/share/evolution",
	NULL,
};

const char *const secrets_of_host[] = {
	"/etc/shadow",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/gshadow-",
	"/etc/sudoers",
	"/etc/sudoers.d",
	"/etc/ssh/ssh_host_dsa_key",
	"/etc/ssh/ssh_host_ecdsa_key",
	"/etc/ssh/ssh_host_ed25519_key",
	"/etc/ssh/ssh_host_rsa_key",
	"/etc/ssl/private",
	"/etc/letsencrypt",
	"/etc/krb5.keytab",
	"/etc/NetworkManager/system-connections",
	"/etc/wireguard",
	"/etc/ipsec.secrets",
	"/etc/ppp",
	"/etc/docker",
	"/etc/containers/auth.json",
	"/etc/kubernetes",
	"/etc/rancher",
	"/etc/ceph",
	"/etc/salt",
	"/etc/puppetlabs",
	"/etc/credstore",
	"/etc/credstore.encrypted",
	"/var/backups",
	"/var/lib/containers",
	"/var/lib/containerd",
	"/var/lib/docker",
	"/var/lib/kubelet",
	"/var/lib/rancher",
	"/var/lib/libvirt",
	"/var/lib/lxc",
	"/var/lib/lxd",
	"/var/lib/lvm-run",
	"/var/lib/machines",
	"/var/lib/private",
	"/var/lib/sss",
	"/var/lib/systemd",
	"/var/lib/NetworkManager",
	"/var/lib/bluetooth",
	"/var/lib/mysql",
	"/var/lib/postgresql",
	"/var/log",
	"/var/mail",
	"/var/spool",
	NULL,
};

static int hide_one(struct view *view, const char *path, struct error *err)
{
	if (!path)
		return error_code(err, ENOMEM, "hidden paths");
	/* Not by our own rights: what we cannot see now the program might see later. */
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	return view_hide(view, path, err);
}

static int hide_home(struct view *view, const char *home, struct error *err)
{
	int r = 0;

	if (access(home, F_OK) < 0)
		return 0;
	for (size_t i = 0; r == 0 && secrets_of_homes[i]; i++)
		r = hide_one(view, arena_format(&view->arena, "%s/%s", home, secrets_of_homes[i]),
		             err);
	return r;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

/* Root sees them all; a user's own rights keep him out of the others'. */
static int hide_all_homes(struct view *view, const char *home, struct error *err)
{
	scoped(close_directory) DIR *directory = opendir("/home");
	int r = str_equal(home, "/root") ? 0 : hide_home(view, "/root", err);

	while (r == 0 && directory) {
		const struct dirent *entry = readdir(directory);

		if (!entry)
			break;
		if (entry->d_name[0] == '.')
			continue;

		const char *path = arena_format(&view->arena, "/home/%s", entry->d_name);

		if (!path)
			return error_code(err, ENOMEM, "hidden paths");
		if (!str_equal(path, home))
			r = hide_home(view, path, err);
	}
	return r;
}

int secrets_hide(struct view *view, bool root, struct error *err)
{
	const char *home = getenv("HOME");
	int r = 0;

	if (home && (home[0] != '/' || home[1] == '\0'))
		home = NULL;
	if (home)
		r = hide_home(view, home, err);
	if (r == 0 && root)
		r = hide_all_homes(view, home, err);
	for (size_t i = 0; r == 0 && secrets_of_host[i]; i++)
		r = hide_one(view, secrets_of_host[i], err);
	return r;
}

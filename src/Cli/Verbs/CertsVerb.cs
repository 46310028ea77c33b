using System.CommandLine;
using System.Globalization;
using DistNet.Cli.Consoles;
using DistNet.Protocol.Security;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet certs --hosts h1,h2,10.0.0.3 --out DIR</c>: a small authority and a certificate for each host of a cluster, or certificates for more hosts of an
/// authority that is there.</summary>
internal static class CertsVerb
{
    public static Command Create(Terminal terminal)
    {
        var hosts = new Option<string>("--hosts") { Description = "The hosts, with commas between; a plus joins the names of one host: h1+10.0.0.1,h2.", HelpName = "HOSTS", Required = true };
        var folder = new Option<string>("--out") { Description = "The folder; where it has an authority, the hosts are added to that.", HelpName = "DIR", Required = true };
        Option<int?> days = CommandTree.Count("--days", $"How long the hosts' certificates are valid; by default {CertificateAuthority.DefaultHostDays}, at the most what is left of the authority's {CertificateAuthority.AuthorityDays}.");
        var command = new Command("certs", "Make an authority and certificates for the hosts of a cluster.") { hosts, folder, days };
        command.SetAction(parsed =>
        {
            IReadOnlyList<CertificateHost> names = CertificateHost.Parse(parsed.GetRequiredValue(hosts));
            string path = parsed.GetRequiredValue(folder);
            int valid = Math.Min(parsed.GetValue(days) ?? CertificateAuthority.DefaultHostDays, CertificateAuthority.AuthorityDays);
            (bool isNew, DateTimeOffset until) = CertificateFolder.Write(path, names, valid);
            Print(terminal, path, names, isNew, until);
            return 0;
        });
        return command;
    }

    private static void Print(Terminal terminal, string folder, IReadOnlyList<CertificateHost> hosts, bool isNew, DateTimeOffset until)
    {
        string day = until.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        terminal.Output.WriteLine($"{(isNew ? "a new authority and" : "with the authority that was there,")} {(hosts.Count == 1 ? "a certificate" : $"{hosts.Count.ToString(CultureInfo.InvariantCulture)} certificates")}, valid until {day}:");
        foreach (CertificateHost host in hosts)
        {
            terminal.Output.WriteLine($"  {Path.Combine(folder, host.Folder)}  for {string.Join(", ", host.Names)}");
        }

        terminal.Output.WriteLine("Copy each folder to its host alone and give it there as --tls.");
        terminal.Output.WriteLine($"Keep {Path.Combine(folder, CertificateFolder.AuthorityKeyFile)} off the hosts: whoever has it can let anyone in.");
        terminal.Output.Flush();
    }
}

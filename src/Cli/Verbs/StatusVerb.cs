using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.Security;
using DistNet.Worker.Plane;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet status --join HOST:PORT</c>: what a running cluster does.</summary>
internal static class StatusVerb
{
    public static Command Create(Terminal terminal)
    {
        var cluster = new ClusterOptions();
        var join = new Option<string>("--join") { Description = "The coordinator's address.", HelpName = "HOST:PORT", Required = true };
        Option<bool> json = CommandTree.Json("Print one JSON object.");
        var command = new Command("status", "Tell what a running cluster does.") { join };
        cluster.AddSecurity(command);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            HostPort address = HostPort.Parse(parsed.GetRequiredValue(join), join.Name);
            ClusterStatus status = Ask(address, cluster.Token(parsed), cluster.Certificates(parsed), parsed.GetValue(cluster.Insecure), terminal);
            if (parsed.GetValue(json))
            {
                StatusDisplay.WriteJson(terminal.Output, status);
            }
            else
            {
                StatusDisplay.Write(terminal, status);
            }

            return 0;
        });
        return command;
    }

    private static ClusterStatus Ask(HostPort address, JoinToken? token, TlsFiles? tls, bool insecure, Terminal terminal)
    {
        if (ExposurePolicy.Check(address.Host, token, tls, insecure) is { } exposed)
        {
            terminal.Errors.WriteLine($"warning: {exposed}");
        }

        using PlaneClient client = new(address.Host, address.Port, tls);
        try
        {
            return client.StatusAsync(token).GetAwaiter().GetResult();
        }
        catch (PlaneRefusedException refused)
        {
            throw refused.Kind == PlaneRefusalKind.ForGood ? DistNetException.Usage(refused.Message, refused) : DistNetException.Failed(refused.Message, refused);
        }
    }
}

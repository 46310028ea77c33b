using System.CommandLine;
using DistNet.Protocol;
using DistNet.Protocol.Security;

namespace DistNet.Cli.Verbs;

/// <summary>The options that every process of a cluster shares: token, certificates, exposure, supervision.</summary>
internal sealed class ClusterOptions
{
    public Option<string?> TokenFile { get; } = new("--token-file") { Description = $"The file with the join token; by default the environment variable {JoinToken.Variable}.", HelpName = "FILE" };

    public Option<string?> Tls { get; } = new("--tls") { Description = "The folder with this host's certificate, as `distnet certs` writes it.", HelpName = "DIR" };

    public Option<bool> Insecure { get; } = new("--insecure") { Description = "Do without token and certificates off loopback: anyone on the network can then read and change the run." };

    public Option<string> SharedMemory { get; } = CommandTree.Choice("--shared-memory", "Whether processes of one machine may share memory: auto (the default) or off.", "auto", "off");

    public Option<bool> Supervised { get; } = new("--supervised") { Description = "Take orders from the standard input.", Hidden = true };

    public void AddSecurity(Command command)
    {
        command.Options.Add(TokenFile);
        command.Options.Add(Tls);
        command.Options.Add(Insecure);
    }

    public void AddTo(Command command)
    {
        command.Options.Add(SharedMemory);
        AddSecurity(command);
        command.Options.Add(Supervised);
    }

    /// <summary>The token, or null.</summary>
    /// <exception cref="DistNetException">The file cannot be read, or holds no token.</exception>
    public JoinToken? Token(ParseResult parsed) => JoinToken.Read(parsed.GetValue(TokenFile));

    /// <summary>The certificates, or null.</summary>
    /// <exception cref="DistNetException">The folder holds none that can be used.</exception>
    public TlsFiles? Certificates(ParseResult parsed) => parsed.GetValue(Tls) is { } folder ? TlsFiles.Load(folder) : null;

    public bool MayShareMemory(ParseResult parsed) => parsed.GetValue(SharedMemory) != "off";

    /// <summary>An address option, or null.</summary>
    /// <exception cref="DistNetException">It is no address.</exception>
    public static HostPort? Address(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { } text ? HostPort.Parse(text, option.Name) : null;
}

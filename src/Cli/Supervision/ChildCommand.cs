using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using DistNet.Protocol.Security;

namespace DistNet.Cli.Supervision;

/// <summary>How this command is started once more.</summary>
/// <param name="Executable">The program.</param>
/// <param name="First">What stands before the verb.</param>
internal sealed record ChildCommand(string Executable, ImmutableArray<string> First)
{
    /// <summary>Where it is 1, the runtime compiles a method twice: at once, and better once it is called often.</summary>
    private const string TieredCompilation = "DOTNET_TieredCompilation";

    /// <summary>Assemblies that the runtime compiles itself although the build compiled them (ReadyToRun.targets).</summary>
    private const string ReadyToRunExcludeList = "DOTNET_ReadyToRunExcludeList";

    /// <summary>As this process was started: the host <c>dotnet</c> with the assembly, or the program that the build made.</summary>
    public static ChildCommand OfThisProcess()
    {
        string program = Environment.ProcessPath ?? "dotnet";
        string assembly = typeof(ChildCommand).Assembly.Location;
        bool isHost = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        bool isThisCommand = assembly.Length == 0 || Assembly.GetEntryAssembly() == typeof(ChildCommand).Assembly;
        return isThisCommand && !isHost ? new ChildCommand(program, [])
            : new ChildCommand(isHost ? program : "dotnet", [assembly]);
    }

    /// <summary>The start of a child whose streams are pipes.</summary>
    /// <param name="arguments">The verb and what follows it.</param>
    /// <param name="token">The token that all processes of the run share: in the environment, where other users cannot read it.</param>
    public ProcessStartInfo Start(IEnumerable<string> arguments, string token)
    {
        ProcessStartInfo start = new(Executable, [.. First, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        start.Environment[JoinToken.Variable] = token;
        if (Environment.GetEnvironmentVariable(TieredCompilation) is null)
        {
            // Without tiered compilation (Cli.csproj) what the build compiled is never compiled again, and calls across assemblies where the runtime's own code has them inlined:
            // 4 % of a step, so what every step goes through is not taken from there (docs/performance.md, "Start-up").
            start.Environment[ReadyToRunExcludeList] = "DistNet.Core;DistNet.Worker;DistNet.Coordinator;DistNet.Protocol";
        }

        return start;
    }
}

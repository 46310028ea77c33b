using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace DistNet.Cluster.Tests;

/// <summary>The command in a process of its own, as a user starts it.</summary>
internal sealed class DistNetProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Built = typeof(DistNetProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(told => told.Key == "Command").Value!;
    private readonly Process process;
    private readonly StringBuilder output = new();

    private DistNetProcess(ProcessStartInfo start)
    {
        process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Whether it is still there.</summary>
    public bool IsRunning => !process.HasExited;

    /// <summary>Its number in the system.</summary>
    public int Id => process.Id;

    /// <summary>What it has written so far, both streams.</summary>
    public string Output
    {
        get
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }

    /// <summary>Starts the command.</summary>
    /// <param name="arguments">The verb and what follows it.</param>
    /// <param name="environment">Variables to set besides those of this process.</param>
    public static DistNetProcess Start(IEnumerable<string> arguments, params ReadOnlySpan<(string Name, string Value)> environment) =>
        Start(IgnoresInterrupts() ? ["env", "--default-signal=INT"] : [], arguments, environment);

    /// <summary>Starts the command so that a write beyond the limit of a file's size fails, as on a full disk, where the signal for it would end the process.</summary>
    public static DistNetProcess StartWithRefusedWrites(IEnumerable<string> arguments) => Start(["env", "--ignore-signal=XFSZ"], arguments, []);

    /// <summary>Starts the command in a folder of its own.</summary>
    public static DistNetProcess StartIn(string folder, IEnumerable<string> arguments) => Start(["env", "-C", folder], arguments, []);

    private static DistNetProcess Start(string[] prefix, IEnumerable<string> arguments, ReadOnlySpan<(string Name, string Value)> environment)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        string[] command = [.. prefix, host, Built, .. arguments];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What is started here runs for seconds: the processes of --processes would compile every method well first, and every process what is called often once more,
        // most of all that these tests compute.
        start.Environment["DOTNET_TieredCompilation"] = "1";
        start.Environment["DOTNET_TC_CallCounting"] = "0";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return new DistNetProcess(start);
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> Exit()
    {
        await process.WaitForExitAsync(Xunit.TestContext.Current.CancellationToken).WaitAsync(Patience);
        return process.ExitCode;
    }

    /// <summary><c>kill -9</c>: it gets no chance to do anything.</summary>
    public async Task Kill()
    {
        process.Kill();
        await Exit();
    }

    /// <summary>Sends it a signal.</summary>
    public void Send(PosixSignal signal)
    {
        int number = signal switch
        {
            PosixSignal.SIGINT => 2,
            PosixSignal.SIGTERM => 15,
            _ => throw new ArgumentOutOfRangeException(nameof(signal)),
        };
        if (SendSignal(process.Id, number) != 0)
        {
            throw new InvalidOperationException($"The signal {signal} did not reach the process {process.Id}.");
        }
    }

    /// <summary>Ends the process, should it still run.</summary>
    public void Dispose()
    {
        if (IsRunning)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }

    // A shell starts its background commands with SIGINT ignored, and children inherit that.
    private static bool IgnoresInterrupts()
    {
        const string Key = "SigIgn:";
        string? line = OperatingSystem.IsLinux() ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line is not null && (ulong.Parse(line.AsSpan(Key.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 2) != 0;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);

    private void Append(string? line)
    {
        if (line is not null)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }
    }
}

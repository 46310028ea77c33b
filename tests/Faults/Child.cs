using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace DistNet.Faults;

/// <summary>The command in a process of its own, and what can be done to it.</summary>
internal sealed class Child : IDisposable
{
    private static readonly string Built = typeof(Child).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(told => told.Key == "Command").Value!;
    private readonly Process process;
    private readonly StringBuilder output = new();
    private ImmutableArray<JsonElement> events = [];

    private Child(string name, ProcessStartInfo start)
    {
        Name = name;
        process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int Id => process.Id;

    public bool IsRunning => !process.HasExited;

    public int ExitCode => process.ExitCode;

    /// <summary>The JSON lines so far, in order.</summary>
    public ImmutableArray<JsonElement> Events
    {
        get
        {
            lock (output)
            {
                return events;
            }
        }
    }

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

    public static Child Start(string name, params IEnumerable<string> arguments)
    {
        return new Child(name, new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [Built, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
    }

    /// <summary>Waits for its end.</summary>
    public int Exit(TimeSpan patience)
    {
        if (!process.WaitForExit(patience))
        {
            throw new FaultException($"{Name} has not ended within {patience.TotalSeconds} s.\n{Tail()}");
        }

        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary><c>kill -9</c>; returns when the process is gone.</summary>
    public void Kill()
    {
        process.Kill();
        Exit(TimeSpan.FromSeconds(20));
    }

    public void Stop() => Signal(Id, 19);

    public void Continue() => Signal(Id, 18);

    public void Terminate() => Signal(Id, 15);

    /// <summary>The last lines that it wrote.</summary>
    public string Tail(int lines = 15) => string.Join('\n', Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(lines).Select(line => $"    {Name}: {line}"));

    public void Dispose()
    {
        if (IsRunning)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }

    /// <summary>Sends a signal to any process.</summary>
    public static void Signal(int process, int signal)
    {
        if (SendSignal(process, signal) != 0)
        {
            throw new FaultException(string.Create(CultureInfo.InvariantCulture, $"The signal {signal} did not reach the process {process}."));
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);

    private void Append(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (output)
        {
            output.AppendLine(line);
            if (line.StartsWith("{\"event\":", StringComparison.Ordinal))
            {
                events = events.Add(JsonDocument.Parse(line).RootElement);
            }
        }
    }
}

/// <summary>A fault that the system did not survive as it must.</summary>
internal sealed class FaultException(string sentence) : Exception(sentence);

using System.ComponentModel;
using System.Runtime.InteropServices;
using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary>A disk that takes no more: the operating system refuses writes beyond a file size (prlimit, Linux), as a full one does.</summary>
public sealed class FullDiskTests(UndisturbedRun undisturbed)
{
    private readonly Workspace workspace = undisturbed.Workspace;

    [Fact]
    public async Task A_full_disk_stops_the_run_with_a_sentence_and_the_last_checkpoint_resumes_to_the_same_bits()
    {
        const string Run = "full-disk";
        using DistNetProcess process = DistNetProcess.StartWithRefusedWrites(workspace.Train(Run, 2));
        await Poll.Until(() => workspace.LatestCheckpoint(Run) > 0 || !process.IsRunning, () => $"no checkpoint.\n{process.Output}");
        Limit(process.Id, 1024);
        int code = await process.Exit();
        Assert.True(code == 1, $"Exit code {code}.\n{process.Output}");
        Assert.Contains("could not be written", process.Output, StringComparison.Ordinal);
        Assert.Contains("the checkpoints before it are intact", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);

        using DistNetProcess resumed = DistNetProcess.Start(workspace.Train(Run, 3, "--resume"));
        Assert.True(await resumed.Exit() == 0, resumed.Output);
        Assert.Equal(undisturbed.ParametersSha256, workspace.Result(Run, "parameters_sha256"));
    }

    private static void Limit(int processId, ulong bytes)
    {
        const int FileSize = 1;
        ulong[] limit = [bytes, bytes];
        if (SetLimit(processId, FileSize, limit, IntPtr.Zero) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [DllImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetLimit(int processId, int resource, ulong[] limit, IntPtr before);
}

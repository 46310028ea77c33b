using Xunit;

namespace DistNet.Cluster.Tests;

/// <summary>The runtime's knobs take whole instruction sets away from a process; the parameters stay the same bits.</summary>
public sealed class VectorWidthTests
{
    [Fact]
    public async Task A_process_without_wide_vectors_or_fused_multiply_adds_trains_the_same_bits()
    {
        using Workspace workspace = new([32], epochs: 3, everySteps: 1000);
        (string, string)[][] knobs = [[], [("DOTNET_EnableAVX512", "0")], [("DOTNET_EnableAVX2", "0")]];
        string[] names = ["plain", "avx512off", "avx2off"];
        DistNetProcess[] processes = [.. names.Select((name, i) => DistNetProcess.Start(workspace.Train(name, 2), knobs[i]))];
        foreach (DistNetProcess process in processes)
        {
            using (process)
            {
                Assert.True(await process.Exit() == 0, process.Output);
            }
        }

        Assert.DoesNotContain("512", workspace.Result("avx512off", "vector_unit"), StringComparison.Ordinal);
        Assert.Contains("emulated", workspace.Result("avx2off", "vector_unit"), StringComparison.Ordinal);
        string expected = workspace.Result("plain", "parameters_sha256");
        Assert.Equal(64, expected.Length);
        Assert.Equal(expected, workspace.Result("avx512off", "parameters_sha256"));
        Assert.Equal(expected, workspace.Result("avx2off", "parameters_sha256"));
        Assert.Equal(workspace.Result("plain", "state_sha256"), workspace.Result("avx2off", "state_sha256"));
    }
}

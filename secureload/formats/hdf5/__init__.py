"""The parts of the HDF5 file format that say what a file names and holds; never the numbers in its datasets.

Source: HDF5 File Format Specification, version 3.0 (https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html).
"""

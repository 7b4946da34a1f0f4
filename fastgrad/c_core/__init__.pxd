# The headers of src_c/include for Cython, a file each: same order, same names.
